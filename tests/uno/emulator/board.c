// The chip: which programs are in its flash, when it has power, and why it starts.
//
// A bootloader starts first after every reset, as the fuses of an Uno say. What
// is in memory survives a reset, and is noise after a time without power.
#include "board.h"

#include <stdio.h>
#include <string.h>

#include <simavr/sim_elf.h>

#define LAST_WORD 0x7dfe   // below the bootloader
#define ENDLESS_LOOP 0xcfff  // rjmp to itself

avr_t *avr;
static bool powered;
static enum start why_next = WATCHDOG;  // nobody but the watchdog starts the chip by itself
static bool started;                    // since somebody looked
static unsigned long starts, slept;     // cycles
static avr_cycle_count_t counted_from;
static uint8_t noise[65536];  // the memory when the power came
static void (*start_of_core)(avr_t *);

static const char *name_of(enum start why) {
    switch (why) {
    case POWER_ON: return "power-on";
    case EXTERNAL: return "external";
    case BROWN_OUT: return "brown-out";
    default: return "watchdog";
    }
}

// Called by simavr in the middle of each reset, whatever caused it.
static void on_start(avr_t *starting) {
    start_of_core(starting);
    started = true;
    starts++;
    printf("start %s\n", name_of(why_next));
    why_next = WATCHDOG;
}

// A sleeping chip skips to its next interrupt; the main loop does the waiting.
static void on_sleep(avr_t *sleeping, avr_cycle_count_t cycles) {
    (void)sleeping;
    slept += cycles;
}

// The records of an Intel HEX file that hold data; simavr's reader stumbles over the others.
static void load_bootloader(const char *path) {
    char record[600];
    FILE *from = fopen(path, "r");
    if (!from)
        fail(path);
    avr->reset_pc = avr->flashend;
    while (fgets(record, sizeof record, from)) {
        unsigned length, address, kind, byte;
        if (sscanf(record, ":%2x%4x%2x", &length, &address, &kind) != 3 || kind != 0)
            continue;
        if (address + length > avr->flashend + 1)
            fail(path);
        for (unsigned at = 0; at < length && sscanf(record + 9 + 2 * at, "%2x", &byte) == 1; at++)
            avr->flash[address + at] = (uint8_t)byte;
        if (address < avr->reset_pc)
            avr->reset_pc = address;
    }
    fclose(from);
}

static void load_program(const char *path) {
    elf_firmware_t firmware = {0};
    if (elf_read_firmware(path, &firmware) != 0)
        fail(path);
    avr_load_firmware(avr, &firmware);
}

void board_init(const char *program, const char *bootloader) {
    avr = avr_make_mcu_by_name("atmega328p");
    avr_init(avr);
    if (program)
        load_program(program);
    if (bootloader)
        load_bootloader(bootloader);
    avr->codeend = avr->flashend;
    avr->frequency = CLOCK_HZ;
    avr->vcc = avr->avcc = avr->aref = 5000;
    avr->sleep = on_sleep;
    start_of_core = avr->reset;
    avr->reset = on_start;
}

static void fill_memory_with_noise(void) {
    for (int at = avr->ioend + 1; at <= avr->ramend; at++)
        avr->data[at] = noise[at] = (uint8_t)draw();
}

// Bytes of memory in one piece that nothing was written to since the power came:
// what lies between the variables and the deepest stack.
void board_print_unused(void) {
    int longest = 0;
    for (int at = avr->ioend + 1, run = 0; at <= avr->ramend; at++) {
        run = avr->data[at] == noise[at] ? run + 1 : 0;
        if (run > longest)
            longest = run;
    }
    printf("unused %d\n", longest);
}

void board_start(enum start why) {
    if (why == POWER_ON) {
        memset(avr->data, 0, 32);
        fill_memory_with_noise();
    }
    why_next = why;
    avr_reset(avr);
    avr_regbit_t flag = why == POWER_ON    ? avr->reset_flags.porf
                        : why == EXTERNAL  ? avr->reset_flags.extrf
                                           : avr->reset_flags.borf;
    avr_regbit_set(avr, flag);
    powered = true;
}

void board_power_off(void) {
    powered = false;
}

bool board_has_power(void) {
    return powered;
}

// The program comes into an endless loop, with its interrupts or, deaf, without.
void board_hang(bool deaf) {
    avr->flash[LAST_WORD] = ENDLESS_LOOP & 0xff;
    avr->flash[LAST_WORD + 1] = ENDLESS_LOOP >> 8;
    avr->pc = LAST_WORD;
    avr->state = cpu_Running;
    if (deaf)
        avr->sreg[S_I] = 0;
}

// False when the program has ended or crashed.
bool board_run(avr_cycle_count_t cycles) {
    avr_cycle_count_t end = avr->cycle + cycles;
    while (avr->cycle < end) {
        if (!powered) {
            avr->cycle = end;
            break;
        }
        int state = avr_run(avr);
        if (state == cpu_Done || state == cpu_Crashed)
            return false;
        if (started) {
            started = false;
            pins_start();
            thermometer_start();
            line_start();
        }
    }
    return true;
}

// Starts, and how many cycles of a thousand the chip slept, since the last time.
void board_count(void) {
    avr_cycle_count_t cycles = avr->cycle - counted_from;
    printf("counts starts %lu slept %lu\n", starts,
           cycles ? (unsigned long)(slept * 1000 / cycles) : 0);
    starts = slept = 0;
    counted_from = avr->cycle;
}

// Milliseconds of the board's time since the emulator was started.
void board_print_time(void) {
    printf("time %lu\n", (unsigned long)(avr->cycle / (CLOCK_HZ / 1000)));
}
