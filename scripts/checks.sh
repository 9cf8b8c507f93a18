# For the scripts that test: source scripts/checks.sh WHAT. Each check is a line `ok    WHAT: name` or `FAIL  WHAT: name`.
what=$1
passed=0 failed=0
ok() { echo "ok    $what: $1"; passed=$((passed + 1)); }
bad() { echo "FAIL  $what: $1"; [ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/        /'; failed=$((failed + 1)); }
# NAME COMMAND… : must succeed.
must() { local name=$1 out; shift; if out=$("$@" 2>&1); then ok "$name"; else bad "$name" "$out"; fi; }
# NAME CODE WORDS COMMAND… : must end with that code, and say those words.
says() {
    local name=$1 code=$2 words=$3 out was; shift 3
    out=$("$@" 2>&1 </dev/null); was=$?
    if [ "$was" = "$code" ] && grep -qF -- "$words" <<<"$out"; then ok "$name"; else bad "$name" "exit $was: $out"; fi
}
# SECONDS CONDITION… : waits until the condition holds.
wait_for() {
    local end=$((SECONDS + $1)); shift
    until "$@" >/dev/null 2>&1; do [ "$SECONDS" -lt "$end" ] || return 1; sleep 0.2; done
}
close() { echo; echo "$passed passed, $failed failed"; [ "$failed" = 0 ]; exit; }
