// What a receiver sees of a sender that may be faster or slower than itself.
//
// The line is high at rest; a byte is a low bit, eight bits, and a high one. The
// receiver waits for a falling edge and then looks in the middle of each of its
// own bits, whatever the sender does meanwhile.
#include "board.h"

// Not <termios.h>: its speeds are codes, and programs may set any number.
#include <asm/termbits.h>
#include <sys/ioctl.h>

#define SENT_BITS 10
#define LOOKS 8       // the data bits

// The level of the line within a byte, so many of the sender's bits after its beginning.
static bool level_of(uint8_t byte, avr_cycle_count_t bit) {
    return bit == 0 ? false : bit > 8 ? true : byte >> (bit - 1) & 1;
}

static avr_cycle_count_t next_look(const struct receiver *receiver, unsigned bit_length) {
    return receiver->began + (2 * (unsigned)receiver->looks + 3) * bit_length / 2;
}

// Takes one look; true when the byte is complete.
static bool look(struct receiver *receiver, unsigned bit_length, bool level) {
    receiver->seen |= (uint8_t)(level << receiver->looks);
    if (++receiver->looks < LOOKS)
        return false;
    receiver->free = receiver->began + 19 * bit_length / 2;
    receiver->busy = false;
    return true;
}

// The line was at rest until a time.
static void rest(struct receiver *receiver, avr_cycle_count_t until, unsigned bit_length) {
    while (receiver->busy && next_look(receiver, bit_length) < until)
        if (look(receiver, bit_length, true))
            receiver->take(receiver->seen);
}

// The first falling edge in a byte at or after the time when the receiver is free; 0 if none.
static avr_cycle_count_t edge(uint8_t byte, avr_cycle_count_t start, unsigned sender_bit,
                              avr_cycle_count_t from) {
    for (unsigned bit = 0; bit < SENT_BITS; bit++) {
        bool high_before = bit == 0 || level_of(byte, bit - 1);
        if (high_before && !level_of(byte, bit) && start + bit * sender_bit >= from)
            return start + bit * sender_bit;
    }
    return 0;
}

void speed_receive(struct receiver *receiver, uint8_t byte, avr_cycle_count_t start,
                   unsigned sender_bit, unsigned receiver_bit) {
    avr_cycle_count_t end = start + SENT_BITS * sender_bit;
    rest(receiver, start, receiver_bit);
    for (;;) {
        if (!receiver->busy) {
            avr_cycle_count_t began = edge(byte, start, sender_bit, receiver->free);
            if (!began)
                return;
            *receiver = (struct receiver){.take = receiver->take, .busy = true, .began = began};
        }
        avr_cycle_count_t when = next_look(receiver, receiver_bit);
        if (when >= end)
            return;
        if (look(receiver, receiver_bit, level_of(byte, (when - start) / sender_bit)))
            receiver->take(receiver->seen);
    }
}

void speed_rest(struct receiver *receiver, avr_cycle_count_t until, unsigned receiver_bit) {
    rest(receiver, until, receiver_bit);
}

unsigned speed_of_port(int line) {
    struct termios2 settings;
    if (ioctl(line, TCGETS2, &settings) != 0 || settings.c_ospeed == 0)
        return 115200;
    return settings.c_ospeed;
}
