// The parts of an emulated Arduino Uno, and what they know of each other:
//
//     board        the chip: programs, power, resets, time
//     pins         what is connected to its pins, and what it does with them
//     thermometer  a DS18B20 on a pin
//     memory       the EEPROM in a file, and what is in the flash
//     line         the USB serial line: a pseudo terminal, its speed, its damages
//     speed        what arrives when both ends of the line differ in speed
//     commands     what a test wants
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include <simavr/sim_avr.h>

#define CLOCK_HZ 16000000

// Why the chip starts, as in its register MCUSR.
enum start { POWER_ON = 1 << 0, EXTERNAL = 1 << 1, BROWN_OUT = 1 << 2, WATCHDOG = 1 << 3 };

extern avr_t *avr;

_Noreturn void fail(const char *what);
uint32_t draw(void);  // the next number of the emulator's dice
void seed(uint32_t number);

void board_init(const char *program, const char *bootloader);
void board_start(enum start why);
void board_power_off(void);
bool board_has_power(void);
void board_hang(bool deaf);
bool board_run(avr_cycle_count_t cycles);
void board_count(void);
void board_print_time(void);
void board_print_unused(void);

void pins_init(void);
void pins_start(void);  // after each start of the chip
void pins_look(void);
void pins_set_millivolts(int channel, int millivolts);
bool pins_drive(int pin, char level);
void pins_print(int pin);
void pins_print_duty(int pin);
void pins_print_pulse(int pin);

int pins_bit(int pin);
struct avr_irq_t *pins_port_irq(int pin, int index);

void thermometer_set(int pin, int centi_degrees);
void thermometer_start(void);  // after each start of the chip

void memory_init(const char *eeprom_path);
void memory_keep(void);
void memory_dump_flash(const char *path);

enum way { TO_BOARD, FROM_BOARD };
struct damage {
    unsigned per_mille;   // of the bytes
    unsigned long after;  // or once, the byte after so many; 0 is off
};

void line_init(const char *link_path);
void line_start(void);  // after each start of the chip
void line_look(void);
void line_flip(enum way way, struct damage damage);
void line_drop(enum way way, struct damage damage);
void line_unplug_after(unsigned long bytes);
void line_unplug(void);
void line_plug(void);
void line_count(void);

// One end of a line: hands on the bytes that it sees.
struct receiver {
    void (*take)(uint8_t byte);
    bool busy;                      // in the middle of a byte
    avr_cycle_count_t began, free;  // that byte; the next one may begin
    uint8_t seen;
    int looks;
};

// A byte that was sent from a time on; lengths of bits are in cycles.
void speed_receive(struct receiver *receiver, uint8_t byte, avr_cycle_count_t start,
                   unsigned sender_bit, unsigned receiver_bit);
void speed_rest(struct receiver *receiver, avr_cycle_count_t until, unsigned receiver_bit);
unsigned speed_of_port(int line);

// Waits for commands until the monotonic clock reads so many nanoseconds; false when asked to quit.
bool commands_until(uint64_t until_ns);
uint64_t now_ns(void);

#endif
