// An emulated Arduino Uno on a serial line.
//
// Runs a sketch's ELF file in simavr, as fast as a real board would, with its
// UART on a pseudo terminal. The terminal's path is the first line printed.
// Then one command on each line of standard input:
//
//     adc 0 750       put 750 mV on A0
//     pin? D7         print the level of a pin
//     quit            end; so does the end of the input
//
// and a line such as `pin D7 1` for each change of an output. As on a real
// Uno, opening the port resets the sketch, and what it prints while nobody
// has the port open is lost.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <simavr/avr_adc.h>
#include <simavr/avr_ioport.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>

#define CLOCK_HZ 16000000
#define SLICE_CYCLES (CLOCK_HZ / 500)  // 2 ms of the board's time
#define LONGEST_LAG_NS 100000000       // a busy computer may make the board late by this
#define PINS 20                        // D0 to D13, then A0 to A5

static avr_t *avr;
static int line = -1;         // the master side of the pseudo terminal
static bool line_open;        // somebody has the other side open
static avr_irq_t *uart_input; // takes bytes for the board
static bool uart_ready;       // and takes another one now
static uint8_t waiting[4096]; // bytes on their way to the board
static size_t waiting_from, waiting_to;
static int levels[PINS];

static void fail(const char *what) {
    fprintf(stderr, "uno_host: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// simavr's own words go to standard error, and only when something is wrong.
static void on_log(avr_t *from, const int level, const char *format, va_list values) {
    (void)from;
    if (level <= LOG_ERROR)
        vfprintf(stderr, format, values);
}

// --- Pins -----------------------------------------------------------------

// The Uno's numbering: D0 is PD0, D8 is PB0, A0 is PC0.
static char port_of(int pin) {
    return pin < 8 ? 'D' : pin < 14 ? 'B' : 'C';
}

static int bit_of(int pin) {
    return pin < 8 ? pin : pin < 14 ? pin - 8 : pin - 14;
}

static void print_pin(int pin, int level) {
    if (pin < 14)
        printf("pin D%d %d\n", pin, level);
    else
        printf("pin A%d %d\n", pin - 14, level);
}

static void on_pin(struct avr_irq_t *irq, uint32_t value, void *param) {
    (void)irq;
    int pin = (int)(intptr_t)param, level = value & 1;
    if (levels[pin] == level)
        return;
    levels[pin] = level;
    print_pin(pin, level);
}

static void watch_pins(void) {
    for (int pin = 2; pin < PINS; pin++) {  // D0 and D1 are the serial line
        avr_irq_t *irq = avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(port_of(pin)),
                                       IOPORT_IRQ_PIN0 + bit_of(pin));
        avr_irq_register_notify(irq, on_pin, (void *)(intptr_t)pin);
    }
}

// --- The serial line ------------------------------------------------------

static void on_uart_output(struct avr_irq_t *irq, uint32_t value, void *param) {
    (void)irq, (void)param;
    uint8_t byte = (uint8_t)value;
    // A full terminal loses the byte, as a real line would.
    if (line_open && write(line, &byte, 1) < 0 && errno != EAGAIN && errno != EIO)
        fail("cannot write to the pseudo terminal");
}

// The UART signals XOFF from within the byte that fills it, and XON while it
// has room; a byte sent against XOFF would be lost.
static void on_uart_xon(struct avr_irq_t *irq, uint32_t value, void *param) {
    (void)irq, (void)value, (void)param;
    uart_ready = true;
}

static void on_uart_xoff(struct avr_irq_t *irq, uint32_t value, void *param) {
    (void)irq, (void)value, (void)param;
    uart_ready = false;
}

static void connect_uart(void) {
    uint32_t flags = 0;  // neither sleep in the emulator nor copy to standard output
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_t *irq = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), 0);
    uart_input = irq + UART_IRQ_INPUT;
    avr_irq_register_notify(irq + UART_IRQ_OUTPUT, on_uart_output, NULL);
    avr_irq_register_notify(irq + UART_IRQ_OUT_XON, on_uart_xon, NULL);
    avr_irq_register_notify(irq + UART_IRQ_OUT_XOFF, on_uart_xoff, NULL);
}

static void open_line(void) {
    line = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (line < 0 || grantpt(line) < 0 || unlockpt(line) < 0)
        fail("cannot open a pseudo terminal");
    // Opened and closed once: from here on the terminal knows that nobody has it open.
    int other_side = open(ptsname(line), O_RDWR | O_NOCTTY);
    struct termios raw;
    if (other_side < 0 || tcgetattr(other_side, &raw) < 0)
        fail("cannot set up the pseudo terminal");
    cfmakeraw(&raw);
    tcsetattr(other_side, TCSANOW, &raw);
    close(other_side);
    puts(ptsname(line));
}

// Takes what was sent to the board, and notices who opens and closes the port.
static void read_line(void) {
    if (waiting_from == waiting_to)
        waiting_from = waiting_to = 0;
    if (waiting_to == sizeof waiting)
        return;  // the sender waits
    ssize_t got = read(line, waiting + waiting_to, sizeof waiting - waiting_to);
    bool open_now = got >= 0 || errno != EIO;
    if (open_now && !line_open)
        avr_reset(avr);  // the port raises DTR
    line_open = open_now;
    if (got > 0)
        waiting_to += (size_t)got;
}

static void feed_uart(void) {
    while (uart_ready && waiting_from < waiting_to)
        avr_raise_irq(uart_input, waiting[waiting_from++]);
}

// --- Commands -------------------------------------------------------------

static void set_millivolts(int channel, uint32_t millivolts) {
    avr_irq_t *adc = avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0 + channel);
    avr_raise_irq(adc, millivolts);
}

// Returns false when asked to quit.
static bool obey(const char *command) {
    int number;
    unsigned millivolts;
    char kind;
    if (strcmp(command, "quit") == 0)
        return false;
    if (sscanf(command, "adc %d %u", &number, &millivolts) == 2 && number >= 0 && number < 6)
        set_millivolts(number, millivolts);
    else if (sscanf(command, "pin? %c%d", &kind, &number) == 2 && number >= 0 &&
             ((kind == 'D' && number < 14) || (kind == 'A' && number < 6)))
        print_pin(kind == 'D' ? number : number + 14, levels[kind == 'D' ? number : number + 14]);
    else
        fprintf(stderr, "uno_host: no such command: %s\n", command);
    return true;
}

// Waits for commands until the wall clock reads `until_ns`.
static bool obey_until(uint64_t until_ns) {
    static char text[128];
    static size_t length;
    uint64_t now = now_ns();
    struct timespec wait = {0};
    if (until_ns > now)
        wait.tv_nsec = (long)(until_ns - now);
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (ppoll(&input, 1, &wait, NULL) <= 0)
        return true;
    ssize_t got = read(STDIN_FILENO, text + length, sizeof text - 1 - length);
    if (got <= 0)
        return false;
    length += (size_t)got;
    text[length] = '\0';
    char *start = text;
    for (char *end; (end = strchr(start, '\n')); start = end + 1) {
        *end = '\0';
        if (!obey(start))
            return false;
    }
    length = strlen(start);
    if (length == sizeof text - 1)
        length = 0;  // too long to be a command
    memmove(text, start, length + 1);
    return true;
}

// --- The board's time -----------------------------------------------------

// A sleeping sketch skips to its next interrupt; `run` does the waiting.
static void on_sleep(avr_t *sleeping, avr_cycle_count_t cycles) {
    (void)sleeping, (void)cycles;
}

static bool run_slice(void) {
    avr_cycle_count_t end = avr->cycle + SLICE_CYCLES;
    while (avr->cycle < end) {
        int state = avr_run(avr);
        if (state == cpu_Done || state == cpu_Crashed)
            return false;
        feed_uart();
    }
    return true;
}

// Board time and wall time go together; a board that fell far behind goes on
// from where it is.
static void run(void) {
    uint64_t start_ns = now_ns(), start_cycle = avr->cycle;
    while (run_slice()) {
        uint64_t due = start_ns + (avr->cycle - start_cycle) * 1000 / (CLOCK_HZ / 1000000);
        if (now_ns() > due + LONGEST_LAG_NS) {
            start_ns = now_ns();
            start_cycle = avr->cycle;
        }
        if (!obey_until(due))
            return;
        read_line();
    }
    fprintf(stderr, "uno_host: the sketch has crashed or stopped\n");
    exit(1);
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: uno_host SKETCH.elf\n");
        return 64;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    avr_global_logger_set(on_log);
    elf_firmware_t firmware = {0};
    if (elf_read_firmware(arguments[1], &firmware) != 0)
        fail(arguments[1]);
    avr = avr_make_mcu_by_name("atmega328p");
    avr_init(avr);
    avr->sleep = on_sleep;
    avr_load_firmware(avr, &firmware);
    avr->frequency = CLOCK_HZ;
    avr->vcc = avr->avcc = avr->aref = 5000;
    watch_pins();
    connect_uart();
    open_line();
    run();
    return 0;
}
