// An emulated Arduino Uno on a USB serial line.
//
// Runs a program in simavr as fast as a real board would, with the UART on a
// pseudo terminal whose path is the first line printed. Then come lines such as
// `pin D7 1`, `start watchdog`, `opened`; and on standard input go these commands:
//
//     adc 0 750          put 750 mV on A0
//     drive D2 0         connect D2 to ground; 1: to 5 V; z: to nothing
//     thermometer D4 2150  a DS18B20 on D4, which stays there, has 21.5 °C
//     pin? D7            print the level: 0, 1, z for not driven, ~ for driven by a timer
//     duty? D5           print the duty of PWM, 0 to 255
//     pulse? D9          print the last pulse: microseconds high, and from rise to rise
//     reset, power-cycle, brown-out
//     hang               the program loops for ever; `hang deaf`: with interrupts off
//     unplug, plug       the cable, which carries the power too
//     unplug 30          pull the cable after 30 more bytes from the board
//     flip from rate 5   damage 5 of 1000 bytes from the board; `to`: to it
//     drop to at 3       lose the third byte from now; 0: none
//     flash? FILE        write the flash into a file
//     counts?            print starts, and how many of 1000 cycles the chip slept
//     unused?            print how much memory was never used since the power came
//     time?              print the board's time in milliseconds
//     bytes?             print the bytes to and from the board, and those that found no place
//     quit               end; so does the end of the input
#include "board.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SLICE_CYCLES (CLOCK_HZ / 1000)  // 1 ms of the board's time
#define LONGEST_LAG_NS 100000000        // a busy computer may make the board late by this

static uint32_t dice;

_Noreturn void fail(const char *what) {
    fprintf(stderr, "emulator: %s: %s\n", what, strerror(errno));
    exit(1);
}

void seed(uint32_t number) {
    dice = number ? number : 1;
}

// xorshift
uint32_t draw(void) {
    dice ^= dice << 13;
    dice ^= dice >> 17;
    dice ^= dice << 5;
    return dice;
}

// simavr's own words go to standard error, and only when something is wrong.
static void on_log(avr_t *from, const int level, const char *format, va_list values) {
    (void)from;
    if (level <= LOG_ERROR)
        vfprintf(stderr, format, values);
}

// Board time and wall time go together; a board that fell far behind goes on
// from where it is.
static void run(void) {
    uint64_t start_ns = now_ns(), start_cycle = avr->cycle;
    while (board_run(SLICE_CYCLES)) {
        line_look();
        pins_look();
        memory_keep();
        uint64_t due = start_ns + (avr->cycle - start_cycle) * 1000 / (CLOCK_HZ / 1000000);
        if (now_ns() > due + LONGEST_LAG_NS) {
            start_ns = now_ns();
            start_cycle = avr->cycle;
        }
        if (!commands_until(due))
            return;
    }
    fprintf(stderr, "emulator: the program has crashed or stopped\n");
    exit(1);
}

static void usage(void) {
    fprintf(stderr, "usage: emulator [--program ELF] [--bootloader HEX] [--eeprom FILE] "
                    "[--link PATH] [--seed NUMBER]\n");
    exit(64);
}

int main(int count, char **arguments) {
    static const struct option options[] = {
        {"program", required_argument, NULL, 'p'}, {"bootloader", required_argument, NULL, 'b'},
        {"eeprom", required_argument, NULL, 'e'},  {"link", required_argument, NULL, 'l'},
        {"seed", required_argument, NULL, 's'},    {0},
    };
    const char *program = NULL, *bootloader = NULL, *eeprom = NULL, *link = NULL;
    uint32_t number = 0;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        fail("no random numbers");
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) >= 0;) {
        switch (option) {
        case 'p': program = optarg; break;
        case 'b': bootloader = optarg; break;
        case 'e': eeprom = optarg; break;
        case 'l': link = optarg; break;
        case 's': number = (uint32_t)strtoul(optarg, NULL, 0); break;
        default: usage();
        }
    }
    if (optind != count || (!program && !bootloader))
        usage();
    setvbuf(stdout, NULL, _IOLBF, 0);
    avr_global_logger_set(on_log);
    seed(number);
    board_init(program, bootloader);
    pins_init();
    memory_init(eeprom);
    line_init(link);
    run();
    return 0;
}
