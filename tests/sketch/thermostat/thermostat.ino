// A thermostat as a student would write it: two sensors, one relay.
//
// It knows nothing of Hearth. It prints its readings as `name:value` lines,
// the way the Serial Plotter likes them, and obeys `relay on` and `relay off`.

const int TEMPERATURE_PIN = A0;  // TMP36: 10 mV for each degree, 500 mV at 0 °C
const int LIGHT_PIN = A1;        // photoresistor between 5 V and the pin
const int RELAY_PIN = 7;
const unsigned long PERIOD_MS = 500;

String line;
unsigned long lastPrint = 0;

void setup() {
  Serial.begin(115200);
  pinMode(RELAY_PIN, OUTPUT);
  Serial.println("Thermostat ready");
}

void loop() {
  readCommands();
  if (millis() - lastPrint >= PERIOD_MS) {
    lastPrint = millis();
    printReadings();
  }
}

void printReadings() {
  float volts = analogRead(TEMPERATURE_PIN) * 5.0 / 1024;
  Serial.print("temperature:");
  Serial.println((volts - 0.5) * 100, 1);
  Serial.print("lux:");
  Serial.println(analogRead(LIGHT_PIN));
  printRelay();
}

void printRelay() {
  Serial.print("relay=");
  Serial.println(digitalRead(RELAY_PIN) == HIGH ? "on" : "off");
}

void readCommands() {
  while (Serial.available() > 0) {
    char c = Serial.read();
    if (c == '\n') {
      line.trim();
      obey();
      line = "";
    } else if (line.length() < 32) {
      line += c;
    }
  }
}

void obey() {
  if (line == "relay on") {
    digitalWrite(RELAY_PIN, HIGH);
    printRelay();
  } else if (line == "relay off") {
    digitalWrite(RELAY_PIN, LOW);
    printRelay();
  }
}
