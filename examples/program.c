/* program.c - a flasher of one's own: program PORT FILE[@ADDR]...
 *
 *   cc program.c $(pkg-config --cflags --libs vcpflash) -o program
 */
#include <stdio.h>

#include <vcpflash/vcpflash.h>

static void on_progress(void *ctx, const char *phase, uint64_t done, uint64_t total, uint32_t busy)
{
	(void)ctx;
	(void)busy;
	if (total != 0)
		printf("%s %3.0f %%\n", phase, 100.0 * (double)done / (double)total);
}

int main(int argc, char **argv)
{
	vcpflash_options options = vcpflash_defaults();
	vcpflash_report report = vcpflash_no_report();
	static vcpflash_file files[16]; /* NULL and 0 where nothing is said */
	size_t count = 0;

	for (int i = 2; i < argc && count < 16; i++)
		files[count++].name = argv[i];
	options.progress = on_progress;
	if (vcpflash_program(argv[1], files, count, &options, &report) != VCPFLASH_OK) {
		fprintf(stderr, "%s\n%s\n", report.text, report.hint);
		return 1;
	}
	printf("%s: %llu bytes in %.1f s\n", report.board, (unsigned long long)report.image_bytes,
	       (double)report.elapsed_us / 1e6);
	return 0;
}
