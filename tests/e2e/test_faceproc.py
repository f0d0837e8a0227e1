"""Photos are taken apart where there is nothing to steal: what a photo can do
that has taken its face process over, and how the processes come and go.

The fake engine's photos make the trouble (src/face/face_fake_trouble.h); real
faces go through the same processes in test_real_*.py."""

import os
import re
import signal
import threading
import unittest

import photos
from faceproc import Ends, children, confined, faults, metric
from harness import Case, Daemon, DaemonCase, holder, program, run_tool


def oom_score_adj(pid):
    with open("/proc/%s/oom_score_adj" % pid, encoding="ascii") as stream:
        return int(stream.read())


class Trouble(DaemonCase):
    """Each photo costs its own enrolment, and nothing else."""

    def enrol_trouble(self, kind):
        return self.app.submit(holder(), photos.photo(kind), photos.trouble(kind),
                               wait=60).json()

    def assert_refused(self, enrolment):
        self.assertEqual(enrolment["state"], "rejected", enrolment)
        self.assertEqual([(r["code"], r["photo"])
                          for r in enrolment["reasons"]],
                         [("image_unreadable", "selfie")])

    def test_what_the_sandbox_forbids_is_killed(self):
        before = faults(self.daemon, "forbidden")
        for act in photos.FORBIDDEN:
            with self.subTest(act=act):
                enrolment = self.enrol_trouble(act)
                if confined(self.daemon):
                    self.assert_refused(enrolment)
                else:
                    self.assertEqual(enrolment["state"], "approved")
            self.assertEqual(self.app.enrol(who=2)["state"], "approved")
        self.assertIsNone(self.daemon.process.poll())
        if confined(self.daemon):
            self.assertEqual(faults(self.daemon, "forbidden"),
                             before + 2 * len(photos.FORBIDDEN))

    def test_a_crash_a_lie_and_eaten_memory_cost_the_photo(self):
        before = faults(self.daemon, "crash")
        crash = self.app.enrol(selfie_flaw=photos.ABORT, wait=60)
        self.assert_refused(crash)
        self.assertEqual(faults(self.daemon, "crash"), before + 2)
        self.assert_refused(self.enrol_trouble(photos.LIE))
        self.assertEqual(faults(self.daemon, "answer"), 2)
        self.assert_refused(self.enrol_trouble(photos.MEMORY))
        self.assertEqual(faults(self.daemon, "memory"), 2)
        lines = [line for line in self.daemon.log.lines
                 if "id=" + crash["id"] in line]
        self.assertEqual(len(lines), 2, lines)
        for number, line in enumerate(lines, 1):
            self.assertIn("event=face_process_ended", line)
            self.assertIn("reason=crash attempt=%d" % number, line)
        # The card's photo can be the one to blame as well; the others are
        # then left alone.
        both = self.app.enrol(id_flaw=photos.ABORT, selfie_flaw=photos.BLURRED,
                              wait=60)
        self.assertEqual([(r["code"], r["photo"]) for r in both["reasons"]],
                         [("image_unreadable", "id_photo")])

    def test_a_frame_that_breaks_its_process_costs_that_frame(self):
        before = faults(self.daemon, "crash")
        challenge = self.app.challenge(3)
        frames = photos.frames(1, challenge["steps"])
        frames[1] = photos.photo(1, photos.ABORT)
        answer = self.app.submit(holder(), photos.photo(1), photos.photo(1),
                                 challenge=challenge["id"], frames=frames,
                                 wait=60).json()
        self.assertEqual(answer["state"], "rejected", answer)
        self.assertEqual([(r["code"], r["photo"]) for r in answer["reasons"]],
                         [("image_unreadable", "frame_2")])
        self.assertEqual(faults(self.daemon, "crash"), before + 2)

    def test_r_a_photo_that_breaks_processes_is_not_tried_for_ever(self):
        """It is decided; after a restart nothing is taken up again."""
        daemon = Daemon()
        self.addCleanup(daemon.close)
        app = daemon.api(daemon.add_client("app"))
        daemon.start()
        self.assertEqual(app.enrol(selfie_flaw=photos.ABORT)["state"],
                         "rejected")
        daemon.restart()
        self.assertNotIn("event=enrolments_taken_up", daemon.log.text())
        daemon.stop()
        self.assertEqual(daemon.sql(
            "SELECT attempts FROM enrolment"), [(1,)])


class Nothing(DaemonCase):
    """What is in a face process: nothing worth having."""

    SETTINGS = {"face.workers": "1"}

    # Somebody has left a file open that closes at no exec.
    PREFIX = ("sh", "-c", 'exec "$@" 9</dev/zero', "sh")

    def test_they_are_what_the_kernel_ends_first_when_memory_runs_out(self):
        for pid in self.processes():
            self.assertEqual(oom_score_adj(pid), 1000)
        self.assertEqual(oom_score_adj(self.daemon.process.pid),
                         oom_score_adj("self"))

    def limits(self, pid):
        """Soft limits by name."""
        with open("/proc/%d/limits" % pid, encoding="ascii") as stream:
            return {line[:26].strip(): line[26:].split()[0]
                    for line in stream.readlines()[1:]}

    def test_limits(self):
        self.approved()
        server, face = self.processes()
        for pid in (server, face):
            limits = self.limits(pid)
            self.assertEqual(limits["Max file size"], "0")
            self.assertEqual(limits["Max core file size"], "0")
            if confined(self.daemon):
                self.assertEqual(limits["Max address space"], str(1 << 30))
        self.assertEqual(limits["Max processes"], "0")
        self.assertEqual(limits["Max open files"],
                         "0" if confined(self.daemon) else "16")
        # What it has used, in whole seconds, and three; six when it is slow.
        self.assertIn(int(limits["Max cpu time"]),
                      (3, 4) if confined(self.daemon) else (6, 7))

    def processes(self):
        servers = children(self.daemon, "smartidd-forker")
        faces = children(self.daemon)
        self.assertEqual((len(servers), len(faces)), (1, 1))
        return servers + faces

    def test_a_face_process_lets_checks_go_first(self):
        self.approved()
        (server,) = children(self.daemon, "smartidd-forker")
        (face,) = children(self.daemon)
        mine, his, its = (os.getpriority(os.PRIO_PROCESS, pid) for pid in
                          (self.daemon.process.pid, server, face))
        self.assertEqual((his, its), (mine, min(19, mine + 3)))

    def test_no_files_no_environment_no_rights(self):
        self.approved()
        for pid in self.processes():
            with open("/proc/%d/status" % pid, encoding="ascii") as stream:
                status = stream.read()
            self.assertRegex(status, r"NoNewPrivs:\t1")
            self.assertRegex(status, r"Threads:\t1\n")
            if confined(self.daemon) and pid in children(self.daemon):
                self.assertRegex(status, r"Seccomp:\t2")
            folder = "/proc/%d/fd" % pid
            try:
                opened = {int(fd): os.readlink(os.path.join(folder, fd))
                          for fd in os.listdir(folder)}
                with open("/proc/%d/environ" % pid, "rb") as stream:
                    environment = stream.read()
            except PermissionError:
                continue  # not even this user may look, unless root
            if not confined(self.daemon):
                del opened[2]  # a sanitizer's way to speak
                environment = b""
            self.assertRegex(opened.pop(3), r"^socket:")
            self.assertEqual(set(opened.values()), {"/dev/null"})
            self.assertIn(environment, (b"", b"OPENCV_OPENCL_RUNTIME="
                                             b"disabled\0"))

    def memory(self, pid):
        """All that can be read of a process' memory."""
        out = []
        with open("/proc/%d/maps" % pid, encoding="ascii") as maps, \
                open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
            for line in maps:
                found = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
                if not found or "[v" in line:
                    continue
                first, last = (int(x, 16) for x in found.groups())
                memory.seek(first)
                out.append(memory.read(last - first))
        return b"".join(out)

    def test_its_memory_has_no_key_no_name_and_no_photo(self):
        if not confined(self.daemon):
            return  # a sanitizer's shadow memory is too large to be read
        canary = "canary%08x" % self.rng().getrandbits(32)
        answer = self.app.submit(
            holder("Name " + canary),
            photos.photo(1, text="card " + canary * 20),
            photos.photo(1, text="selfie " + canary * 20), wait=30)
        self.assertEqual(answer.json()["state"], "approved")
        with open(os.path.join(self.daemon.folder, "master.key"),
                  encoding="ascii") as stream:
            master = stream.read().strip()
        secrets = {"master key": bytes.fromhex(master),
                   "its text": master.encode(),
                   "an API key": self.keys["app"].encode(),
                   "a name or a photo": canary.encode()}
        for pid in self.processes():
            try:
                memory = self.memory(pid)
            except PermissionError:
                continue  # not even this user may look, unless root
            self.assertGreater(len(memory), 1 << 20)
            self.assertIn(b"smartidd-face", memory)  # it can be found in it
            for what, secret in secrets.items():
                self.assertNotIn(secret, memory, what)


class Life(Case):
    """They come and go with the daemon."""

    def daemon(self, **options):
        daemon = Daemon(**options)
        self.addCleanup(daemon.close)
        self.app = daemon.api(daemon.add_client("app"))
        return daemon.start()

    def family(self, daemon):
        pids = children(daemon) + children(daemon, "smartidd-forker")
        self.assertEqual(len(pids), 3)
        return pids

    def test_they_end_with_a_daemon_that_is_killed(self):
        daemon = self.daemon()
        ends = Ends(self.family(daemon))
        daemon.kill()
        ends.wait()

    def test_they_end_with_a_daemon_that_stops(self):
        daemon = self.daemon()
        ends = Ends(self.family(daemon))
        daemon.stop()
        ends.wait(0)

    def test_both_workers_look_at_a_single_enrolment(self):
        daemon = self.daemon()
        processes = children(daemon)
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            answer = self.app.submit(holder(), *photos.pair(1))
            while metric(daemon, "smartidd_workers_busy") < 2:
                pass
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)
        self.assertEqual(
            self.app.settled(answer.json()["id"])["state"], "approved")
        while metric(daemon, "smartidd_workers_busy") > 0:
            pass
        self.assertEqual(sum(faults(daemon, reason) for reason in
                             ("hang", "killed", "crash")), 0)
        daemon.stop()

    def test_the_signals_of_a_stop_do_not_hit_what_still_runs(self):
        """systemd sends SIGTERM to the whole family at once."""
        daemon = self.daemon()
        family = self.family(daemon)
        answers = []
        work = threading.Thread(target=lambda: answers.append(
            self.app.submit(holder(), *photos.pair(1), wait=60)))
        # So that it can neither be over before the signals nor before its
        # client is answered.
        for pid in family:
            os.kill(pid, signal.SIGSTOP)
        try:
            work.start()
            while metric(daemon, "smartidd_workers_busy") < 2:
                pass
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                for pid in family:
                    os.kill(pid, number)
            daemon.signal(signal.SIGTERM)
            work.join()
        finally:
            for pid in family:
                os.kill(pid, signal.SIGCONT)
        daemon.wait_exit()
        daemon.stop()  # sees how it ended
        # Nobody is kept waiting, but what has begun is finished.
        self.assertEqual([(a.status, a.json()["state"]) for a in answers],
                         [(200, "processing")])
        self.assertNotIn("face_process_ended", daemon.log.text())
        self.assertEqual(daemon.sql("SELECT state, attempts FROM enrolment"),
                         [("approved", 1)])

    def test_a_lost_fork_server_is_replaced_while_work_goes_on(self):
        daemon = self.daemon()
        for who in range(3):
            server, = children(daemon, "smartidd-forker")
            seen = len(daemon.log.lines)
            killed = [server] + children(daemon)
            ends = Ends(killed)
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
            ends.wait()
            # It has to wait for another one.
            self.assertEqual(self.app.enrol(who=who)["state"], "approved")
            self.assertIsNotNone(daemon.log.wait(
                lambda l: "event=face_server_replaced" in l, start=seen))
        self.assertEqual(metric(daemon, "smartidd_face_server_up"), 1)
        self.assertEqual(faults(daemon, "crash"), 0)
        daemon.stop()
        # None was begun before there was somebody to look at it.
        self.assertEqual(daemon.sql("SELECT attempts FROM enrolment"),
                         [(1,)] * 3)

    def test_threads_instead_of_processes(self):
        daemon = self.daemon(settings={"face.face_isolation": "thread"})
        self.assertEqual(children(daemon), [])
        self.assertEqual(children(daemon, "smartidd-forker"), [])
        self.assertEqual(self.app.enrol()["state"], "approved")

    def test_nobody_starts_a_face_process_by_hand(self):
        result = run_tool("--face-process", check=False,
                          binary=program("smartidd-fake"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("for the daemon itself", result.stderr)


if __name__ == "__main__":
    unittest.main()
