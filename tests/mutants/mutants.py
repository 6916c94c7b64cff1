#!/usr/bin/env python3
"""Takes one safeguard away at a time and sees tests go red. Each mutant is an edit of one
file in a copy of the tree, the tests that must notice it, and what it takes away.
`mutants.py TREE DIR [NAME...]` builds in DIR; without names all of them, some minutes.
`mutants.py --check TREE` only sees that the edits still fit."""
import pathlib
import re
import shutil
import subprocess
import sys

# name, file, what stands there, what shall stand there, tests
MUTANTS = [
    ("frames are taken whatever their CRC", "wire/decode.c",
     "vf_crc32_update(VF_CRC32_INIT, d->buf, d->len) != VF_CRC32_RESIDUE",
     "(vf_crc32_update(VF_CRC32_INIT, d->buf, d->len) ^ VF_CRC32_RESIDUE) == 1u",
     "wire_frames|wire_golden"),
    ("frames of a session that is gone count", "target/link.c",
     "t->session.open && vf_body_tag(body) == vf_t_tag(t)", "t->session.open",
     "target_session|target_conversation"),
    ("a frame is mended whatever its number", "target/mend.c",
     ">= MOST_LOST", "== 0xFFFF", "target_mend"),
    ("a frame of another session is mended", "target/mend.c",
     "vf_body_tag(body) != vf_t_tag(t)", "vf_t_tag(t) == 0", "target_mend"),
    ("headers of messages are mended", "target/mend.c",
     "vf_get32(header) ==", "vf_get32(header) == 1 || vf_get32(header) >=", "target_mend"),
    ("chunks of any length are mended", "wire/mend.c",
     "|| len > VF_WIRE_BODY_MAX + VF_WIRE_CRC", "", "wire_frames"),
    ("stream bytes beyond the window are taken", "target/stream.c",
     "vf_t_stream_limit(t) - s->received", "UINT32_MAX", "target_stream|target_random"),
    ("what was programmed is not compared", "target/exec.c",
     "if (u->op.data[i] == u->op.buf[i])", "if (i < u->op.len)",
     "target_failures|target_operations"),
    ("protected ranges are written", "target/check.c",
     "return VF_FAIL_PROTECTED;", "return VF_FAIL_NONE;",
     "target_failures|target_operations|target_conversation"),
    ("operations of a dead session count for the next", "target/link.c",
     "t->unit[m].orphan = t->unit[m].stage != VF_T_NONE && !t->unit[m].journal",
     "t->unit[m].orphan = false", "target_session|target_random|target_failures"),
    ("flash changes while the set is not incomplete", "target/journal.c",
     "if (vf_j_set_state(j) != VF_SET_INCOMPLETE)", "if (j == NULL)", "target_journal"),
    ("what is incomplete starts", "target/exec.c",
     "if (vf_t_set_forbids(t)) {", "if (t == NULL) {", "target_journal"),
    ("a torn record counts", "target/record.c",
     "vf_get32(record + CRC) == crc_of(record)", "crc_of(record) != 1u", "target_journal"),
    ("a set is taken though entries are missing", "target/record.c",
     "bool whole = count == 0 || count == j->staged;", "bool whole = true;", "target_journal"),
    ("any proof is right", "target/guard.c",
     "vf_same_secret(proof, p->proof, sizeof proof)", "vf_same_secret(proof, p->proof, 0)",
     "target_guard|target_conversation"),
    ("any trailer is right", "target/guard.c",
     "vf_same_secret(sent, right, sizeof right)", "vf_same_secret(sent, right, 0)",
     "target_guard|target_conversation"),
    ("a nonce comes again", "target/guard.c", "g->sessions++);", "0 * g->sessions++);",
     "target_guard"),
    ("wrong proofs cost nothing", "target/guard.c", "if (g->wait_us != 0) {",
     "if (g->wait_us == 1) {", "target_guard|target_conversation"),
    ("a host without the key is listened to", "target/link.c", "if (vf_t_unproven(t)) {",
     "if (t == NULL) {", "target_guard|target_conversation"),
    ("a board that gets nothing done is believed for ever", "host/session_stall.c",
     "*account -= sooner(*account,", "*account -= sooner(0,", "host_session_stall"),
    ("any word of a board is a step forward", "host/session_stall.c",
     "if (s->burst.result != NULL && n->seen != before->seen &&", "if (n->seen != before->seen ||",
     "host_session_stall"),
    ("deaf for others, for ever", "host/session_rx.c",
     "s->now + us < most ? s->now + us : most", "s->now + us < most ? most : s->now + us",
     "host_session_board"),
    ("kept bytes are not on the disk", "io/kept.c",
     "status = fsync(fd);\n\tconst int error", "status = fd < 0;\n\tconst int error", "io_kept"),
    ("a line gets the session without room", "boards/common/lines.c",
     "> v->fill + l->config.line[other].held_size", "> 0", "boards_lines"),
    ("a board's proof is not looked at", "host/session_prove.c",
     "vf_same_secret(proof, p->proof, sizeof proof)", "vf_same_secret(proof, p->proof, 0)",
     "host_session_prove"),
    ("write-enable that did not take is not noticed", "nor/operate.c",
     "(any & SR_WIP) != 0 || (all & SR_WEL) == 0", "(any & SR_WIP) != 0", "nor_"),
    ("errors in the flag status pass", "nor/operate.c",
     "return (status & 0x20) != 0 ? BAD_ERASE : (status & 0x18) != 0 ? BAD_PROGRAM : GOOD;",
     "return GOOD;", "nor_"),
    ("one die's word is enough", "nor/operate.c",
     "for (uint8_t i = 0; i < n->config.dies; i++) {\n\t\tenum verdict v",
     "for (uint8_t i = 0; i < 1; i++) {\n\t\tenum verdict v", "nor_"),
    ("nothing is checked at the end", "host/job_check.c",
     "if (vf_job_equal(expected, digest)) {", "if (vf_job_equal(expected, digest) || j != NULL) {",
     "host_job_failures|host_job_sim"),
    ("twins of what is written do not count", "host/job_twins.c",
     "return memcmp(t->behind, written, VF_JOB_TWIN) == 0;",
     "return memcmp(t->behind, written, VF_JOB_TWIN) == 2000;", "host_job_failures"),
    ("torn ranges are believed", "host/job_set.c",
     "vf_job_flag(j, s->memory, base + s->from, base + s->to, VF_JOB_FAILED);",
     "vf_job_flag(j, s->memory, base + s->from, base + s->from, VF_JOB_FAILED);",
     "host_job|cli_keep"),
    ("what the journal is written over is not looked at", "host/job_beside.c",
     "s->check = !vf_job_equal(s->digest, digest);",
     "s->check = !vf_job_equal(s->digest, digest) && j == NULL;", "host_job_beside"),
    ("where only the set was written, nothing is looked at behind it", "host/job_seal.c",
     "return written ? vf_job_look_beside(j)",
     "return written && j->set.asked ? vf_job_look_beside(j)", "host_job_beside"),
    ("newer bytes are overwritten by kept ones", "host/job_keep.c",
     "if (nobody_else_wrote(s, r)) {",
     "if (nobody_else_wrote(s, r) || j != NULL) {", "host_job_keep|cli_keep"),
    ("what a chip's condition holds is not looked at", "wire/condition.c",
     "&& good(c);", "&& (c != NULL || good(c));", "wire_bodies"),
    ("a chip that could not be made out is passed over", "host/doctor.c",
     "if (blame_probe(&d) != VF_OK)", "if (config == NULL && blame_probe(&d) != VF_OK)",
     "host_doctor"),
    ("what a burst lost is passed over", "host/doctor.c",
     "if (r->link.burst.lost > 0) {", "if (r->link.burst.lost > 0 && d == NULL) {", "host_doctor"),
    ("bytes that tell nothing are taken for kept ones", "host/job_keep.c",
     "return count >= ENOUGH;", "return count < ENOUGH + 1;", "host_job_keep"),
    ("bytes that no file names are not kept before their unit is erased", "host/job_keep.c",
     "status = keeper->save(keeper->ctx, &j->board, bytes, len, &j->result.error);",
     "status = keeper->save != NULL ? VF_OK : VF_E_FILE;", "host_job_keep|host_doctor"),
    ("another board's kept bytes are put back", "host/job_keep.c",
     "k->id_len != w->id_len || memcmp(k->id, w->id, k->id_len) != 0 ||",
     "k->id_len != w->id_len ||", "host_job_keep"),
    ("kept bytes are put back whoever changed the flash since", "host/job_keep.c",
     "(journal && last != k->session && last != k->before)", "(journal && last == 0)",
     "host_job_keep|cli_keep"),
    ("a file of kept bytes is taken though it is damaged", "host/keep_file.c",
     "return memcmp(hash, bytes + len - VF_SHA256_SIZE, sizeof hash) == 0;", "return len != 0 || hash[0] != 0;",
     "host_keep_file"),
    ("Ctrl-C leaves bytes that no file names in the host's hands", "host/job_rescue.c",
     "if (s->keep != NULL)\n\t\treturn true;", "if (s->keep != NULL)\n\t\treturn j->rescuing;",
     "host_job_interrupt"),
    ("who was interrupted before a change is told that something was begun", "host/job_slot.c",
     "j->touched = j->touched || changes(s->op.message.type);", "j->touched = j->touched || !changes(s->op.message.type);",
     "host_job_failures"),
    ("what another run left incomplete is forgotten", "host/job_set.c",
     "vf_spans_add_all(&s->next_open, alloc, &s->open) != VF_OK ||",
     "vf_spans_add_all(&s->next_open, alloc, &restored) != VF_OK ||", "host_job"),
    ("the host goes on with another board that answers", "host/job.c",
     "memcmp(a->welcome.id, b->welcome.id, a->welcome.id_len) != 0)",
     "a->welcome.id_len > VF_WIRE_ID_MAX)", "host_job_failures"),
    ("protected ranges are asked to be written", "host/job_fit.c",
     "if (m->protect[i].len == 0 || from >= p_end || to <= p)",
     "if (m->protect[i].len == 0 || from >= p_end || to <= p || to > p_end - p_end)",
     "host_job_program|host_job_other"),
    ("an erase begins before the journal knows of it", "target/journal.c",
     "covers(&w->range, range.offset, range.len))",
     "(erases || covers(&w->range, range.offset, range.len)))", "target_journal"),
    ("a guest's change is not on record", "target/foreign.c",
     "uint8_t code = t->with.journal->permit(t, memory, &o, range->len);",
     "uint8_t code = o.length != 0 ? VF_FAIL_NONE : VF_T_WAIT;", "target_visit"),
    ("a guest goes on though a host has opened a session", "target/link.c",
     "t->session.open = t->session.guest = false;", "t->session.open = false;",
     "target_visit|target_session"),
    ("wrong proofs do not cost more each time", "target/guard.c",
     "(uint32_t)WAIT_FIRST_US << g->failures;", "(uint32_t)WAIT_FIRST_US;", "target_guard"),
    ("a protected range is overwritten by the whole-chip test", "host/doctor.c",
     "while (end < m->size && is_open(m, end))", "while (end < m->size)", "host_doctor"),
    ("frames of another session count on the host", "host/session_rx.c",
     "if (vf_body_tag(body) != s->tag) {", "if (vf_body_tag(body) == 0) {",
     "host_session|host_conversation"),
]


def say(*words):
    print(*words, flush=True)


def quiet(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    return done.returncode, done.stdout


def copy(tree, to):
    files = subprocess.run(["git", "-C", str(tree), "ls-files", "-z"], check=True,
                           capture_output=True).stdout.decode().split("\0")
    for name in filter(None, files):
        target = to / name
        if not (tree / name).is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != (tree / name).read_bytes():
            shutil.copy2(tree / name, target)


def tests_of(build, pattern):
    out = subprocess.run(["ctest", "--test-dir", str(build), "-N", "-R", pattern], check=True,
                         capture_output=True, text=True).stdout
    names = re.findall(r"Test +#\d+: (\S+)", out)
    if not names:
        sys.exit(f"mutants.py: no test matches {pattern}")
    return names


def build_and_run(build, pattern):
    """None: it does not compile. Else whether all tests are green, and which is not."""
    targets = {"vcpflash", "vcpflash-sim"} if "cli_" in pattern else set()
    known = subprocess.run(["ninja", "-C", str(build), "-t", "targets", "all"], check=True,
                           capture_output=True, text=True).stdout
    targets |= {f"test_{n}" for n in tests_of(build, pattern) if f"\ntest_{n}: " in known}
    code, out = quiet("cmake", "--build", str(build), "--target", *sorted(targets))
    if code != 0:
        return None, out[-2000:]
    code, out = quiet("ctest", "--test-dir", str(build), "-R", pattern, "-j2", "--stop-on-failure")
    failed = re.findall(r"- (\S+) \((?:Failed|Timeout|SEGFAULT|Subprocess aborted)\)", out)
    return code == 0, ", ".join(failed) or "?"


def try_one(tree, build, mutant):
    name, path, old, new, pattern = mutant
    source = tree / path
    text = source.read_text()
    if text.count(old) != 1:
        say(f"STALE     {name}: {path} has {text.count(old)} times {old!r}")
        return False
    source.write_text(text.replace(old, new))
    try:
        green, what = build_and_run(build, pattern)
    finally:
        source.write_text(text)
    if green is None:
        say(f"NO BUILD  {name}:\n{what}")
    elif green:
        say(f"SURVIVES  {name}: {pattern} stay green")
    else:
        say(f"noticed   {name}: {what}")
    return green is False


def check(tree):
    """Are the places still there? The rest takes minutes."""
    stale = [name for name, path, old, *_ in MUTANTS if (tree / path).read_text().count(old) != 1]
    for name in stale:
        say(f"stale: {name}")
    return bool(stale)


def main(arguments):
    if len(arguments) < 2:
        sys.exit("usage: mutants.py TREE DIR [NAME...] | mutants.py --check TREE")
    if arguments[0] == "--check":
        sys.exit(check(pathlib.Path(arguments[1])))
    folder = pathlib.Path(arguments[1]).resolve()
    tree, build = folder / "tree", folder / "build"
    copy(pathlib.Path(arguments[0]).resolve(), tree)
    code, out = quiet("cmake", "-G", "Ninja", "-S", str(tree), "-B", str(build), "-DVCPFLASH_TESTS=ON",
                      "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS=-O1")
    if code != 0:
        sys.exit(out)
    wanted = [m for m in MUTANTS if not arguments[2:] or any(a in m[0] for a in arguments[2:])]
    patterns = sorted({m[4] for m in wanted})
    for pattern in patterns:
        green, what = build_and_run(build, pattern)
        if not green:
            sys.exit(f"mutants.py: {pattern} is not green to begin with: {what}")
    survivors = [m for m in wanted if not try_one(tree, build, m)]
    say(f"{len(wanted) - len(survivors)} of {len(wanted)} noticed")
    sys.exit(bool(survivors))


if __name__ == "__main__":
    main(sys.argv[1:])
