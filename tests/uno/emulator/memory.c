// The EEPROM, kept in a file at every change, so that it outlasts the emulator
// as the real one outlasts the power; and what is in the flash.
#include "board.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <simavr/avr_eeprom.h>

#define EEPROM_SIZE 1024
#define EECR 0x3f
#define EEPE 0x02   // write, or: a write goes on
#define EEMPE 0x04  // allows a write within four cycles
#define UNLOCKED_CYCLES 4
#define WRITE_CYCLES (CLOCK_HZ / 10000 * 34)  // 3.4 ms

static int file = -1;
static uint8_t kept[EEPROM_SIZE];

static uint8_t *eeprom(void) {
    avr_eeprom_desc_t all = {.size = EEPROM_SIZE};
    avr_ioctl(avr, AVR_IOCTL_EEPROM_GET, &all);  // its answer says nothing
    if (!all.ee)
        fail("the chip has no EEPROM");
    return all.ee;
}

static avr_cycle_count_t on_written(avr_t *from, avr_cycle_count_t when, void *param) {
    (void)from, (void)when, (void)param;
    avr->data[EECR] &= (uint8_t)~EEPE;
    return 0;
}

// simavr writes in no time; the chip is busy for a while.
static void on_control(avr_t *from, avr_io_addr_t address, uint8_t value, void *param) {
    (void)from, (void)address, (void)param;
    static avr_cycle_count_t unlocked;
    bool may_write = avr->cycle - unlocked <= UNLOCKED_CYCLES;
    if (value & EEPE && may_write) {
        avr->data[EECR] |= EEPE;
        avr_cycle_timer_register(avr, WRITE_CYCLES, on_written, NULL);
    }
    if (value & EEMPE)
        unlocked = avr->cycle;
}

// A new file is an erased EEPROM.
void memory_init(const char *path) {
    avr_register_io_write(avr, EECR, on_control, NULL);
    memset(kept, 0xff, sizeof kept);
    if (!path)
        return;
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0 || pread(file, kept, sizeof kept, 0) < 0)
        fail(path);
    memcpy(eeprom(), kept, sizeof kept);
}

void memory_keep(void) {
    if (file < 0 || memcmp(eeprom(), kept, sizeof kept) == 0)
        return;
    memcpy(kept, eeprom(), sizeof kept);
    if (pwrite(file, kept, sizeof kept, 0) != (ssize_t)sizeof kept)
        fail("cannot keep the EEPROM");
}

// The whole flash, as bytes.
void memory_dump_flash(const char *path) {
    FILE *to = fopen(path, "wb");
    if (!to || fwrite(avr->flash, 1, avr->flashend + 1, to) != avr->flashend + 1 || fclose(to) != 0)
        fail(path);
    printf("flash %s\n", path);
}
