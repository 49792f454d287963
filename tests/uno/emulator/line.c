// The USB serial line: a pseudo terminal with the board's USART behind it.
//
// Opening the port resets the board where that raises DTR, as the first time does;
// what the board says while nobody has the port open is lost. Bytes arrive at the speed of the one
// who opened it: if that is not the board's, other bytes arrive. A byte that comes
// while three wait in the chip is lost. Damages are drawn by the dice.
#include "board.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <simavr/avr_uart.h>

#define BITS 10              // start, 8 data, stop
#define CHIP_HOLDS 3         // two bytes, and one in the shift register
#define DRAIN_SLICES 50      // an unplugged terminal forgets what was not read yet

struct side {
    struct damage flip, drop;
    unsigned long bytes, lost;
};

static avr_uart_t *uart;
static avr_irq_t *uart_input;
static int line = -1;
static const char *link_path;
static bool is_open;
static bool dtr;  // an edge of it is a reset
static struct side sides[2];
static uint8_t waiting[4096], said[4096];  // to and from the board
static size_t waiting_from, waiting_to, said_length;
static avr_cycle_count_t said_until;       // the byte before is sent until then
static unsigned long unplug_after;
static int slices_to_unplug;

// --- Damages --------------------------------------------------------------

static bool strikes(struct damage *damage) {
    if (damage->after && --damage->after == 0)
        return true;
    return damage->per_mille && draw() % 1000 < damage->per_mille;
}

// False when the byte gets lost.
static bool passes(enum way way, uint8_t *byte) {
    struct side *side = &sides[way];
    side->bytes++;
    if (strikes(&side->flip))
        *byte ^= (uint8_t)(1 << draw() % 8);
    return !strikes(&side->drop);
}

void line_flip(enum way way, struct damage damage) {
    sides[way].flip = damage;
}

void line_drop(enum way way, struct damage damage) {
    sides[way].drop = damage;
}

// --- Speed ----------------------------------------------------------------

static unsigned board_cycles_per_bit(void) {
    unsigned divisor = avr->data[uart->ubrrl.reg] | (avr->data[uart->ubrrh.reg] & 0x0f) << 8;
    return (divisor + 1) * (avr_regbit_get(avr, uart->u2x) ? 8 : 16);
}

static unsigned port_cycles_per_bit(void) {
    return CLOCK_HZ / speed_of_port(line);
}

// --- To the board ---------------------------------------------------------

static void give(uint8_t byte) {
    unsigned unread = (uart->input.write - uart->input.read) & (64 - 1);
    if (unread < CHIP_HOLDS) {
        avr_raise_irq(uart_input, byte);
        return;
    }
    avr_regbit_set(avr, uart->dor);
    sides[TO_BOARD].lost++;
}

static struct receiver to_board = {.take = give};

static avr_cycle_count_t on_byte_arrives(avr_t *from, avr_cycle_count_t when, void *param) {
    (void)from, (void)param;
    unsigned sender = port_cycles_per_bit();
    uint8_t byte = waiting[waiting_from++];
    if (passes(TO_BOARD, &byte))
        speed_receive(&to_board, byte, when - BITS * sender, sender, board_cycles_per_bit());
    return waiting_from < waiting_to ? when + BITS * sender : 0;
}

static void bytes_wait(void) {
    if (waiting_from < waiting_to && !avr_cycle_timer_status(avr, on_byte_arrives, NULL))
        avr_cycle_timer_register(avr, BITS * port_cycles_per_bit(), on_byte_arrives, NULL);
}

// --- From the board -------------------------------------------------------

static void keep(uint8_t byte) {
    if (said_length < sizeof said)
        said[said_length++] = byte;
    else
        sides[FROM_BOARD].lost++;
}

static struct receiver from_board = {.take = keep};

static void on_uart_output(struct avr_irq_t *irq, uint32_t value, void *param) {
    (void)irq, (void)param;
    uint8_t byte = (uint8_t)value;
    unsigned sender = board_cycles_per_bit();
    avr_cycle_count_t start = avr->cycle > said_until ? avr->cycle : said_until;
    if (!is_open || slices_to_unplug)
        return;
    if (passes(FROM_BOARD, &byte))
        speed_receive(&from_board, byte, start, sender, port_cycles_per_bit());
    said_until = start + BITS * sender;
    if (unplug_after && --unplug_after == 0)
        slices_to_unplug = DRAIN_SLICES;
}

// A full terminal loses bytes, as a real line would.
static void hand_over(void) {
    if (said_length == 0)
        return;
    ssize_t written = write(line, said, said_length);
    if (written < 0 && errno != EAGAIN && errno != EIO)
        fail("cannot write to the pseudo terminal");
    if (written < (ssize_t)said_length)
        sides[FROM_BOARD].lost += said_length - (written > 0 ? (size_t)written : 0);
    said_length = 0;
}

// --- The port -------------------------------------------------------------

static void find_uart(void) {
    for (avr_io_t *io = avr->io_port; io; io = io->next)
        if (strcmp(io->kind, "uart") == 0)
            uart = (avr_uart_t *)io;
    uint32_t flags = 0;  // neither sleep in the emulator nor copy to standard output
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_t *irq = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), 0);
    uart_input = irq + UART_IRQ_INPUT;
    avr_irq_register_notify(irq + UART_IRQ_OUTPUT, on_uart_output, NULL);
}

void line_start(void) {
    bytes_wait();  // a reset stops simavr's clocks
}

// Opened and closed once: from here on the terminal knows that nobody has it open.
static void set_up(const char *path) {
    int other_side = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios settings;
    if (other_side < 0 || tcgetattr(other_side, &settings) < 0)
        fail("cannot set up the pseudo terminal");
    cfmakeraw(&settings);
    cfsetspeed(&settings, B115200);
    settings.c_cflag |= HUPCL;  // as every serial port begins
    tcsetattr(other_side, TCSANOW, &settings);
    close(other_side);
}

void line_plug(void) {
    if (line >= 0)
        return;
    line = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (line < 0 || grantpt(line) < 0 || unlockpt(line) < 0)
        fail("cannot open a pseudo terminal");
    const char *path = ptsname(line);
    set_up(path);
    is_open = dtr = false;
    waiting_from = waiting_to = said_length = 0;
    if (link_path)
        unlink(link_path);
    if (link_path && symlink(path, link_path) < 0)
        fail(link_path);
    puts(link_path ? link_path : path);
    board_start(POWER_ON);
}

// The cable gives the power too.
void line_unplug(void) {
    if (line < 0)
        return;
    if (link_path)
        unlink(link_path);
    close(line);
    line = -1;
    slices_to_unplug = 0;
    board_power_off();
    puts("unplugged");
}

void line_unplug_after(unsigned long bytes) {
    unplug_after = bytes;
}

// Whoever closes the port lets DTR go, unless it has said otherwise. The kernel does
// so for a device; a pseudo terminal has no DTR, only the flag.
static bool keeps_dtr(void) {
    struct termios settings;
    return tcgetattr(line, &settings) == 0 && !(settings.c_cflag & HUPCL);
}

// Takes what was sent to the board, and notices who opens and closes the port.
static void take(void) {
    if (waiting_from == waiting_to)
        waiting_from = waiting_to = 0;
    if (waiting_to == sizeof waiting)
        return;  // the sender waits
    ssize_t got = read(line, waiting + waiting_to, sizeof waiting - waiting_to);
    bool open_now = got >= 0 || errno != EIO;
    if (open_now != is_open)
        puts(open_now ? "opened" : "closed");
    if (open_now && !is_open && !dtr)
        board_start(EXTERNAL);
    if (open_now)
        dtr = true;
    else if (is_open)
        dtr = keeps_dtr();
    is_open = open_now;
    if (got > 0)
        waiting_to += (size_t)got;
    bytes_wait();
}

void line_look(void) {
    if (line < 0)
        return;
    uart->cycles_per_byte = BITS * board_cycles_per_bit();  // simavr counts one bit too many
    speed_rest(&to_board, avr->cycle, board_cycles_per_bit());
    speed_rest(&from_board, avr->cycle, port_cycles_per_bit());
    hand_over();
    if (slices_to_unplug && --slices_to_unplug == 0)
        line_unplug();
    else if (!slices_to_unplug)
        take();
}

void line_count(void) {
    printf("bytes to %lu lost %lu from %lu lost %lu\n", sides[TO_BOARD].bytes, sides[TO_BOARD].lost,
           sides[FROM_BOARD].bytes, sides[FROM_BOARD].lost);
}

void line_init(const char *path) {
    link_path = path;
    find_uart();
    line_plug();
}
