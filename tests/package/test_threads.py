"""Many sessions at once through the library, watched by ThreadSanitizer."""
from installed import bench, tool

COUNT = 6


class Threads(bench.Case):
    def test_many_sessions(self):
        boards = []
        for i in range(COUNT):
            folder = self.folder / str(i)
            folder.mkdir()
            boards.append(bench.Board(folder, *(["--fault", "corrupt=1e-4"] if i == 1 else []), tcp=i == 2))
            self.addCleanup(boards[-1].__enter__().stop)
        env = {**bench.clean_environment(), "TSAN_OPTIONS": "exitcode=66"}
        said = tool(bench.BIN / "threads", *(b.port for b in boards), env=env)
        self.assertEqual(said.splitlines()[-1], f"{COUNT} of {COUNT} right")
        self.assertNotIn("ThreadSanitizer", said)


if __name__ == "__main__":
    bench.main()
