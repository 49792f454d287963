// What is connected to the pins, and what the chip does with them.
//
// A pin that the chip does not drive is shown as `z`, and one that a timer
// drives as `~`. Analog inputs that nothing is connected to pick up noise.
#include "board.h"

#include <stdio.h>

#include <simavr/avr_adc.h>
#include <simavr/avr_ioport.h>

#define PINS 20  // D0 to D13, then A0 to A5
#define CHANNELS 6
#define STALE_CYCLES (CLOCK_HZ / 10)

struct pin {
    char shown;    // the last level that was printed
    char driven;   // by what is connected to it: '0', '1', or 'z' for nothing
    int level;
    avr_cycle_count_t rise, period, high;
};

// How simavr reads a port.
struct reader {
    char port;
    avr_io_addr_t address;  // of PINx; DDRx follows it
    avr_io_read_t read;
    void *param;
};

static struct pin pins[PINS];
static struct reader readers[] = {{'B', 0x23, NULL, NULL}, {'C', 0x26, NULL, NULL}, {'D', 0x29, NULL, NULL}};
static int millivolts[CHANNELS];  // below 0: nothing connected

// The Uno's numbering: D0 is PD0, D8 is PB0, A0 is PC0.
static char port_of(int pin) {
    return pin < 8 ? 'D' : pin < 14 ? 'B' : 'C';
}

int pins_bit(int pin) {
    return pin < 8 ? pin : pin < 14 ? pin - 8 : pin - 14;
}

avr_irq_t *pins_port_irq(int pin, int index) {
    return avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(port_of(pin)), index);
}

static avr_irq_t *irq_of(int pin) {
    return pins_port_irq(pin, IOPORT_IRQ_PIN0 + pins_bit(pin));
}

static void print_name(const char *what, int pin) {
    printf("%s %c%d ", what, pin < 14 ? 'D' : 'A', pin < 14 ? pin : pin - 14);
}

// --- PWM and pulses -------------------------------------------------------

// Where a timer's output is: register with its mode, the mode's bits, compare register.
struct output {
    int pin, control, bits, compare;
};

static const struct output outputs[] = {
    {6, 0x44, 0xc0, 0x47}, {5, 0x44, 0x30, 0x48},  {9, 0x80, 0xc0, 0x88},
    {10, 0x80, 0x30, 0x8a}, {11, 0xb0, 0xc0, 0xb3}, {3, 0xb0, 0x30, 0xb4},
};

static const struct output *timer_of(int pin) {
    for (unsigned i = 0; i < sizeof outputs / sizeof *outputs; i++)
        if (outputs[i].pin == pin && (avr->data[outputs[i].control] & outputs[i].bits))
            return &outputs[i];
    return NULL;
}

static void on_edge(struct avr_irq_t *irq, uint32_t value, void *param) {
    (void)irq;
    struct pin *pin = param;
    int level = value & 1;
    if (level == pin->level)
        return;
    pin->level = level;
    if (level) {
        pin->period = avr->cycle - pin->rise;
        pin->rise = avr->cycle;
    } else {
        pin->high = avr->cycle - pin->rise;
    }
}

// Microseconds high and from rise to rise, of the last pulse; zeros if there was none lately.
void pins_print_pulse(int number) {
    const struct pin *pin = &pins[number];
    bool stale = avr->cycle - pin->rise > STALE_CYCLES;
    const unsigned per_us = CLOCK_HZ / 1000000;
    print_name("pulse", number);
    printf("%u %u\n", stale ? 0 : (unsigned)(pin->high / per_us),
           stale ? 0 : (unsigned)(pin->period / per_us));
}

// What the timer makes of the pin, 0 to 255, or the level as such.
void pins_print_duty(int number) {
    const struct output *timer = timer_of(number);
    print_name("duty", number);
    if (timer)
        printf("%d\n", avr->data[timer->compare]);
    else
        printf("%s\n", pins[number].shown == '1' ? "255" : pins[number].shown == '0' ? "0" : "z");
}

// --- Levels ---------------------------------------------------------------

static char look_at(int pin) {
    avr_ioport_state_t state;
    avr_ioctl(avr, AVR_IOCTL_IOPORT_GETSTATE(port_of(pin)), &state);
    if (!board_has_power() || !(state.ddr >> pins_bit(pin) & 1))
        return 'z';
    if (timer_of(pin))
        return '~';
    return state.port >> pins_bit(pin) & 1 ? '1' : '0';
}

void pins_print(int pin) {
    print_name("pin", pin);
    printf("%c\n", pins[pin].shown);
}

// Prints what has changed.
void pins_look(void) {
    for (int pin = 2; pin < PINS; pin++) {  // D0 and D1 are the serial line
        char now = look_at(pin);
        if (now == pins[pin].shown)
            continue;
        pins[pin].shown = now;
        pins_print(pin);
    }
}

// What is connected wins over the pull-up.
static void apply(int pin) {
    avr_ioport_external_t external = {.name = port_of(pin)};
    for (int other = 2; other < PINS; other++) {
        if (port_of(other) != port_of(pin) || pins[other].driven == 'z')
            continue;
        external.mask |= 1u << pins_bit(other);
        external.value |= (unsigned)(pins[other].driven == '1') << pins_bit(other);
    }
    avr_ioctl(avr, AVR_IOCTL_IOPORT_SET_EXTERNAL(port_of(pin)), &external);
    avr_ioport_state_t state;
    avr_ioctl(avr, AVR_IOCTL_IOPORT_GETSTATE(port_of(pin)), &state);
    if (state.ddr >> pins_bit(pin) & 1)
        return;
    bool pulled_up = state.port >> pins_bit(pin) & 1;
    avr_raise_irq(irq_of(pin), pins[pin].driven == 'z' ? pulled_up : pins[pin].driven == '1');
}

// What the chip reads at its pins. simavr reads an output back as it was written; a
// pin that is shorted has the level of what it is shorted to.
static uint8_t read_pins(struct avr_t *core, avr_io_addr_t address, void *param) {
    const struct reader *reader = param;
    uint8_t levels = reader->read(core, address, reader->param);
    uint8_t outputs_of_port = core->data[address + 1];  // its DDR
    for (int pin = 2; pin < PINS; pin++) {
        uint8_t bit = (uint8_t)(1u << pins_bit(pin));
        if (port_of(pin) != reader->port || pins[pin].driven == 'z' || !(outputs_of_port & bit))
            continue;
        levels = pins[pin].driven == '1' ? levels | bit : levels & (uint8_t)~bit;
    }
    return levels;
}

static void read_shorts_too(void) {
    for (unsigned i = 0; i < sizeof readers / sizeof *readers; i++) {
        struct reader *reader = &readers[i];
        unsigned io = AVR_DATA_TO_IO(reader->address);
        reader->read = avr->io[io].r.c;
        reader->param = avr->io[io].r.param;
        avr->io[io].r.c = read_pins;
        avr->io[io].r.param = reader;
    }
}

bool pins_drive(int pin, char level) {
    if (pin < 2 || pin >= PINS || (level != '0' && level != '1' && level != 'z'))
        return false;
    pins[pin].driven = level;
    apply(pin);
    return true;
}

// --- Analog ---------------------------------------------------------------

static void set_voltage(int channel, int value) {
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0 + channel), (unsigned)value);
}

static void on_conversion(struct avr_irq_t *irq, uint32_t value, void *param) {
    (void)irq, (void)value, (void)param;
    for (int channel = 0; channel < CHANNELS; channel++)
        if (millivolts[channel] < 0)
            set_voltage(channel, (int)(draw() % 5000));
}

void pins_set_millivolts(int channel, int value) {
    millivolts[channel] = value;
    set_voltage(channel, value);
}

// A reset clears what simavr knows of the outside.
void pins_start(void) {
    for (int pin = 2; pin < PINS; pin++) {
        pins[pin].level = 0;
        if (pins[pin].driven != 'z')
            apply(pin);
    }
}

void pins_init(void) {
    for (int pin = 2; pin < PINS; pin++) {
        pins[pin].shown = pins[pin].driven = 'z';
        avr_irq_register_notify(irq_of(pin), on_edge, &pins[pin]);
    }
    read_shorts_too();
    for (int channel = 0; channel < CHANNELS; channel++)
        millivolts[channel] = -1;
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_OUT_TRIGGER),
                            on_conversion, NULL);
}
