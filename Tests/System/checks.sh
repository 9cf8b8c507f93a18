# For the scripts that test: source Tests/System/checks.sh WHAT. Each check is a line `ok    WHAT: name`, `FAIL  WHAT: name` or
# `skip  WHAT: name`; `close` says how many there were.
what=$1
passed=0 failed=0 skipped=0
ok() { echo "ok    $what: $1"; passed=$((passed + 1)); }
bad() { echo "FAIL  $what: $1"; [ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/        /'; failed=$((failed + 1)); }
# NAME WHY : what cannot be tried here, which is a failure where CI is set.
skip() { if [ -n "${CI:-}" ]; then bad "$1" "$2"; else echo "skip  $what: $1: $2"; skipped=$((skipped + 1)); fi; }
# NAME COMMAND… : must succeed.
must() { local name=$1 out; shift; if out=$("$@" 2>&1); then ok "$name"; else bad "$name" "$(tail -n 25 <<<"$out")"; fi; }
# NAME CODE WORDS COMMAND… : must end with that code, and say those words.
says() {
    local name=$1 code=$2 words=$3 out was; shift 3
    out=$("$@" 2>&1 </dev/null); was=$?
    if [ "$was" = "$code" ] && grep -qF -- "$words" <<<"$out"; then ok "$name"; else bad "$name" "exit $was: $out"; fi
}
# NAME COMMAND… : its checks are shown and count here; it must go to its end, the line of `close`.
played() {
    local name=$1 told; shift
    told=$(mktemp)
    "$@" | tee "$told" | grep --line-buffered -vE '^([0-9]+ passed, .*)?$'
    passed=$((passed + $(grep -c '^ok    ' "$told")))
    failed=$((failed + $(grep -c '^FAIL  ' "$told")))
    grep -q '^[0-9]* passed, ' "$told" || bad "$name goes to its end"
    rm -f "$told"
}
# SECONDS CONDITION… : waits until the condition holds.
wait_for() {
    local end=$((SECONDS + $1)); shift
    until "$@" >/dev/null 2>&1; do [ "$SECONDS" -lt "$end" ] || return 1; sleep 0.2; done
}
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
close() {
    local also=
    [ "$skipped" = 0 ] || also=", $skipped skipped"
    echo
    echo "$passed passed, $failed failed$also"
    [ "$failed" = 0 ]
    exit
}
