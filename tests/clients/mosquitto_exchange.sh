#!/usr/bin/env bash
# Exchanges between mosquitto's clients through a running broker.
#
#   mosquitto_exchange.sh HOST PORT [OPTION...]
#
# Options such as `--cafile FILE` are passed on to mosquitto_pub and mosquitto_sub.
# Prints a line for each check, over MQTT 3.1.1 and 5.0. The first one that fails
# ends the run with a sentence and exit code 1.
set -euo pipefail

host=${1:?the host of the broker} port=${2:?the port of the broker}
options=("${@:3}")
work=$(mktemp -d)
trap 'end_subs; rm -rf "$work"' EXIT

fail() {
    echo "MQTT $version: $*" >&2
    exit 1
}

ok() {
    end_subs
    echo "ok   MQTT $version: $*"
}

end_subs() {
    jobs -p | xargs -r kill 2>/dev/null || true
    wait 2>/dev/null || true
}

# Ends the subscriber that was started last; with KILL it cannot say goodbye.
end_last() {
    # timeout cannot pass SIGKILL on, so the client itself is ended.
    kill "-${1:-TERM}" "$(pgrep -P "$last_sub" mosquitto_sub)"
    wait "$last_sub" 2>/dev/null || true
}

pub() {
    timeout 10 mosquitto_pub -h "$host" -p "$port" -V "mqttv${version//./}" "${options[@]}" "$@" \
        || fail "mosquitto_pub $* failed"
}

# Runs a subscriber in the background; its output goes to the file named first.
# Returns once the broker has answered SUBSCRIBE.
sub() {
    local out=$work/$1
    shift
    : >"$out"
    # -d writes the handshake between the messages, which is how we know that it is over.
    timeout 20 stdbuf -oL mosquitto_sub -h "$host" -p "$port" -V "mqttv${version//./}" -d \
        -F '>>%t %q %r %p' "${options[@]}" "$@" >"$out" 2>&1 &
    last_sub=$!
    for _ in $(seq 100); do
        grep -q 'Subscribed (mid' "$out" && return
        sleep 0.05
    done
    fail "the broker did not answer SUBSCRIBE: $(cat "$out")"
}

# The messages in a subscriber's file, as `topic qos retain payload`.
messages() {
    sed -n 's/^>>//p' "$work/$1"
}

# Waits for a payload in a subscriber's file.
await() {
    for _ in $(seq 100); do
        messages "$1" | grep -q -- " $2\$" && return
        sleep 0.05
    done
    fail "'$2' did not come; what came: $(messages "$1" | tr '\n' ';')"
}

# Waits for the last line expected, and then compares all of them.
expect() {
    local file=$1 wanted
    shift
    wanted=$(printf '%s\n' "$@")
    await "$file" "${*: -1:1}"
    [ "$(messages "$file" | sed 's/^[^ ]* [^ ]* [^ ]* //')" = "$wanted" ] \
        || fail "wanted '$*', but this came: $(messages "$file" | tr '\n' ';')"
}

qos_levels() {
    local qos topic=$run/étage
    for qos in 0 1 2; do
        sub "qos$qos" -t "$topic/$qos" -q $qos
        seq 20 | pub -t "$topic/$qos" -q $qos -l
        pub -t "$topic/$qos" -q $qos -m last
        # shellcheck disable=SC2046
        expect "qos$qos" $(seq 20) last
        messages "qos$qos" | grep -q " $qos 0 last\$" || fail "'last' did not come at QoS $qos"
    done
    ok "qos levels"
}

retained() {
    local topic=$run/retained
    pub -t "$topic" -q 1 -r -m old
    pub -t "$topic" -q 1 -r -m kept
    sub late -t "$topic" -q 1
    await late kept
    [ "$(messages late)" = "$topic 1 1 kept" ] || fail "a late subscriber got: $(messages late)"
    pub -t "$topic" -q 1 -r -n
    sub later -t "$topic" -q 1
    pub -t "$topic" -q 1 -m sentinel
    expect later sentinel
    ok "retained, and cleared"
}

will() {
    local topic=$run/will
    sub watcher -t "$topic" -q 1
    sub leaving -t "$run/nothing" --will-topic "$topic" --will-payload gone --will-qos 1
    end_last KILL
    expect watcher gone
    ok "will after an abnormal end"
}

persistent_session() {
    local topic=$run/offline id=keeper-$$-$RANDOM keep=(-c)
    [ "$version" = 5 ] && keep=(-c -x 300)
    sub first -i "$id" "${keep[@]}" -q 2 -t "$topic"
    end_last
    pub -t "$topic" -q 1 -m missed-1
    pub -t "$topic" -q 1 -m missed-2
    pub -t "$topic" -q 2 -m missed-3
    sub second -i "$id" "${keep[@]}" -q 2 -t "$topic"
    expect second missed-1 missed-2 missed-3
    end_last
    pub -t "$topic" -q 1 -m forgotten
    sub clean -i "$id" -q 2 -t "$topic"
    pub -t "$topic" -q 1 -m sentinel
    expect clean sentinel
    ok "persistent session with an offline queue"
}

wildcards() {
    local base=$run/wild level
    sub one -t "$base/+/t"
    sub many -t "$base/#"
    for level in "" /a /a/t /b/t /a/b/t //t /end/t; do
        pub -t "$base$level" -m "at$level"
    done
    expect one at/a/t at/b/t at//t at/end/t
    expect many at at/a at/a/t at/b/t at/a/b/t at//t at/end/t
    ok "wildcards"
}

dollar_rule() {
    sub everything -t '#'
    pub -t "\$exchange/$$" -m hidden
    pub -t "$run/shown" -m shown
    await everything shown
    ! messages everything | grep -q '^\$' || fail "'#' matched a topic that starts with \$"
    ok "# does not match topics that start with \$"
}

unsubscribe() {
    local topic=$run/gone id=leaver-$$-$RANDOM keep=(-c)
    [ "$version" = 5 ] && keep=(-c -x 300)
    sub subscribed -i "$id" "${keep[@]}" -q 1 -t "$topic" -t "$run/stays"
    end_last
    # -U leaves the subscription that the session still holds.
    sub left -i "$id" "${keep[@]}" -q 1 -U "$topic" -t "$run/stays"
    pub -t "$topic" -q 1 -m unheard
    pub -t "$run/stays" -q 1 -m sentinel
    expect left sentinel
    ok "unsubscribe"
}

for version in 3.1.1 5; do
    # New topics for each run, so that nothing of an earlier one is left on them.
    run=exchange/$$-$RANDOM
    qos_levels
    retained
    will
    persistent_session
    wildcards
    dollar_rule
    unsubscribe
done
