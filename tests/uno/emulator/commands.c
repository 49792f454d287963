// What a test wants of the board: one command on each line of standard input.
#include "board.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// `D7` or `A0`; -1 if it is neither.
static int pin_of(const char *name) {
    int number;
    char end;
    if (sscanf(name, "D%d%c", &number, &end) == 1 && number >= 0 && number < 14)
        return number;
    if (sscanf(name, "A%d%c", &number, &end) == 1 && number >= 0 && number < 6)
        return 14 + number;
    return -1;
}

static bool obey_pin(const char *verb, const char *name, const char *value) {
    int pin = pin_of(name);
    if (pin < 0)
        return false;
    if (strcmp(verb, "pin?") == 0)
        pins_print(pin);
    else if (strcmp(verb, "duty?") == 0)
        pins_print_duty(pin);
    else if (strcmp(verb, "pulse?") == 0)
        pins_print_pulse(pin);
    else if (strcmp(verb, "drive") == 0)
        return pins_drive(pin, value[0]);
    else if (strcmp(verb, "thermometer") == 0)
        thermometer_set(pin, atoi(value));
    else
        return false;
    return true;
}

static bool obey_damage(const char *verb, const char *direction, const char *how, const char *value) {
    enum way way = strcmp(direction, "to") == 0 ? TO_BOARD : FROM_BOARD;
    struct damage damage = {0};
    if (strcmp(how, "rate") == 0)
        damage.per_mille = (unsigned)atoi(value);
    else if (strcmp(how, "at") == 0)
        damage.after = strtoul(value, NULL, 10);
    else
        return false;
    if (strcmp(verb, "flip") == 0)
        line_flip(way, damage);
    else if (strcmp(verb, "drop") == 0)
        line_drop(way, damage);
    else
        return false;
    return true;
}

static bool obey_board(const char *verb, const char *value) {
    if (strcmp(verb, "reset") == 0)
        board_start(EXTERNAL);
    else if (strcmp(verb, "power-cycle") == 0)
        board_start(POWER_ON);
    else if (strcmp(verb, "brown-out") == 0)
        board_start(BROWN_OUT);
    else if (strcmp(verb, "hang") == 0)
        board_hang(strcmp(value, "deaf") == 0);
    else if (strcmp(verb, "unplug") == 0 && *value)
        line_unplug_after(strtoul(value, NULL, 10));
    else if (strcmp(verb, "unplug") == 0)
        line_unplug();
    else if (strcmp(verb, "plug") == 0)
        line_plug();
    else
        return false;
    return true;
}

static bool obey_rest(const char *verb, const char *value, const char *second) {
    if (strcmp(verb, "adc") == 0 && atoi(value) >= 0 && atoi(value) < 6)
        pins_set_millivolts(atoi(value), atoi(second));
    else if (strcmp(verb, "flash?") == 0)
        memory_dump_flash(value);
    else if (strcmp(verb, "counts?") == 0)
        board_count();
    else if (strcmp(verb, "unused?") == 0)
        board_print_unused();
    else if (strcmp(verb, "time?") == 0)
        board_print_time();
    else if (strcmp(verb, "bytes?") == 0)
        line_count();
    else
        return false;
    return true;
}

// Returns false when asked to quit.
static bool obey(const char *command) {
    char word[4][256] = {{0}};
    sscanf(command, "%255s %255s %255s %255s", word[0], word[1], word[2], word[3]);
    if (strcmp(word[0], "quit") == 0)
        return false;
    if (!obey_board(word[0], word[1]) && !obey_pin(word[0], word[1], word[2]) &&
        !obey_damage(word[0], word[1], word[2], word[3]) && !obey_rest(word[0], word[1], word[2]))
        fprintf(stderr, "emulator: no such command: %s\n", command);
    return true;
}

// Obeys the whole lines of a text, and returns where the rest begins; NULL when asked to quit.
static char *obey_lines(char *text) {
    for (char *end; (end = strchr(text, '\n')); text = end + 1) {
        *end = '\0';
        if (!obey(text))
            return NULL;
    }
    return text;
}

bool commands_until(uint64_t until_ns) {
    static char text[1024];
    static size_t length;
    uint64_t now = now_ns();
    struct timespec wait = {.tv_nsec = until_ns > now ? (long)(until_ns - now) : 0};
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (ppoll(&input, 1, &wait, NULL) <= 0)
        return true;
    ssize_t got = read(STDIN_FILENO, text + length, sizeof text - 1 - length);
    if (got <= 0)
        return false;
    text[length + (size_t)got] = '\0';
    char *rest = obey_lines(text);
    if (!rest)
        return false;
    length = strlen(rest);
    if (length == sizeof text - 1)
        length = 0;  // too long to be a command
    memmove(text, rest, length + 1);
    return true;
}
