// A DS18B20 on one of the pins, with its pull-up: bit by bit as its data sheet says
// (Maxim 19-7487, "1-Wire bus system" and "1-Wire signaling").
//
// It knows what is needed to be asked for its temperature: the reset with its
// presence pulse, Skip ROM, Convert T and Read Scratchpad. Converting takes 750 ms
// of the board's time; before the first conversion it says 85 °C.
#include "board.h"

#include <stddef.h>

#include <simavr/avr_ioport.h>

#define US(microseconds) ((microseconds) * (CLOCK_HZ / 1000000))
#define RESET_AT_LEAST US(400)
#define ZERO_AT_LEAST US(15)
#define HOLD US(30)          // how long a 0 is held in a read slot
#define CONVERSION US(750000)
#define SKIP_ROM 0xcc
#define CONVERT 0x44
#define READ_SCRATCHPAD 0xbe
#define POWER_ON_VALUE (85 * 16)

enum state { QUIET, LISTENING, TALKING, CONVERTING };

static int pin = -1;
static enum state state;
static int centi_degrees;
static int16_t measured = POWER_ON_VALUE;  // sixteenths
static avr_cycle_count_t fell, converted_at;
static bool low;
static uint8_t heard, scratchpad[9];
static int bits;

// Maxim's CRC-8 (application note 27).
static uint8_t crc(const uint8_t *bytes, int count) {
    uint8_t sum = 0;
    for (int i = 0; i < count; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum & 1 ? (uint8_t)(sum >> 1 ^ 0x8c) : (uint8_t)(sum >> 1);
    }
    return sum;
}

static void fill_scratchpad(void) {
    const uint8_t now[8] = {(uint8_t)measured, (uint8_t)(measured >> 8), 0x4b, 0x46, 0x7f, 0xff, 0x0c, 0x10};
    for (int i = 0; i < 8; i++)
        scratchpad[i] = now[i];
    scratchpad[8] = crc(scratchpad, 8);
}

static avr_cycle_count_t let_go(avr_t *from, avr_cycle_count_t when, void *param) {
    (void)from, (void)when, (void)param;
    pins_drive(pin, '1');
    return 0;
}

static void hold(avr_cycle_count_t cycles) {
    pins_drive(pin, '0');
    avr_cycle_timer_register(avr, cycles, let_go, NULL);
}

static avr_cycle_count_t be_present(avr_t *from, avr_cycle_count_t when, void *param) {
    (void)from, (void)when, (void)param;
    hold(US(120));
    return 0;
}

static void obey(uint8_t command) {
    if (command == CONVERT) {
        converted_at = avr->cycle + CONVERSION;
        measured = (int16_t)(centi_degrees * 16 / 100);
        state = CONVERTING;
    } else if (command == READ_SCRATCHPAD) {
        fill_scratchpad();
        state = TALKING;
    } else if (command != SKIP_ROM) {
        state = QUIET;
    }
    bits = 0;
}

// A slot begins: a 0 of ours is held beyond the master's pulse.
static void on_fall(void) {
    fell = avr->cycle;
    if (state == CONVERTING && avr->cycle < converted_at)
        hold(HOLD);
    if (state != TALKING || bits >= 72)
        return;
    if (!(scratchpad[bits / 8] >> bits % 8 & 1))
        hold(HOLD);
    bits++;
}

static void on_rise(void) {
    avr_cycle_count_t length = avr->cycle - fell;
    if (length >= RESET_AT_LEAST) {
        state = LISTENING;
        bits = 0;
        avr_cycle_timer_register(avr, US(30), be_present, NULL);
    } else if (state == LISTENING) {
        heard = (uint8_t)(heard >> 1 | (length < ZERO_AT_LEAST ? 0x80 : 0));
        if (++bits == 8)
            obey(heard);
    }
}

// The line is low while the board drives it: its output level is always 0.
static void on_direction(struct avr_irq_t *irq, uint32_t value, void *param) {
    (void)irq, (void)param;
    bool low_now = value >> pins_bit(pin) & 1;
    if (low_now == low)
        return;
    low = low_now;
    low ? on_fall() : on_rise();
}

// A reset stops simavr's clocks, and with them a pulse of ours.
void thermometer_start(void) {
    low = false;
    state = QUIET;
    if (pin >= 0)
        pins_drive(pin, '1');
}

// The first call connects it.
void thermometer_set(int at, int value) {
    centi_degrees = value;
    if (pin >= 0)
        return;
    pin = at;
    avr_irq_register_notify(pins_port_irq(pin, IOPORT_IRQ_DIRECTION_ALL), on_direction, NULL);
    thermometer_start();
}
