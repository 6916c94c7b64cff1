/* threads.c - many sessions at once, as the library promises: a thread for each port that
 * is named, which programs, reads back, verifies and erases there again and again while
 * the others do. Compiled, library and all, with ThreadSanitizer, which ends it if they
 * share anything.
 *
 *   threads PORT...
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <vcpflash/vcpflash.h>

enum { PORTS = 16, ROUNDS = 2, BYTES = 6000 };
#define BASE 0x90000000u

typedef struct bench {
	pthread_t thread;
	const char *port;
	unsigned number, told;
	vcpflash_report report;
	uint8_t wrote[BYTES], read[BYTES], sha256[VCPFLASH_SHA256_SIZE];
} bench;

static void on_progress(void *ctx, const char *phase, uint64_t done, uint64_t total, uint32_t busy)
{
	bench *b = ctx;
	(void)busy;
	b->told += phase[0] != '\0' && (total == 0 || done <= total);
}

static void on_port(void *ctx, const vcpflash_port *port)
{
	bench *b = ctx;
	b->told += port->name[0] != '\0';
}

static int on_board(bench *b, const vcpflash_options *o)
{
	vcpflash_board *board;
	const int status = vcpflash_info(b->port, &board, o, &b->report);
	if (status == VCPFLASH_OK && vcpflash_board_memories(board) == 0)
		return VCPFLASH_E_BOARD;
	vcpflash_board_free(board);
	return status;
}

static int once(bench *b, unsigned number)
{
	const vcpflash_file file = {.name = "bytes@0x90000100", .bytes = b->wrote, .len = BYTES};
	vcpflash_options o = vcpflash_defaults();
	o.ctx = b;
	o.progress = on_progress;
	for (size_t i = 0; i < BYTES; i++)
		b->wrote[i] = (uint8_t)(i * 7 + number);
	int status = on_board(b, &o);
	if (status == VCPFLASH_OK)
		status = vcpflash_program(b->port, &file, 1, &o, &b->report);
	if (status == VCPFLASH_OK)
		status = vcpflash_read(b->port, BASE + 0x100, b->read, BYTES, &o, &b->report);
	if (status == VCPFLASH_OK && memcmp(b->read, b->wrote, BYTES) != 0)
		return VCPFLASH_E_DIFFERS;
	if (status == VCPFLASH_OK)
		status = vcpflash_verify(b->port, &file, 1, &o, &b->report);
	if (status == VCPFLASH_OK)
		status = vcpflash_digest(b->port, BASE, BYTES, b->sha256, &o, &b->report);
	if (status == VCPFLASH_OK)
		status = vcpflash_erase(b->port, BASE + 0x1000, 100, &o, &b->report);
	return status == VCPFLASH_OK ? vcpflash_ports(false, on_port, b, &o, &b->report) : status;
}

static void *work(void *arg)
{
	bench *b = arg;
	for (unsigned round = 0; round < ROUNDS; round++) {
		if (once(b, b->number + round) == VCPFLASH_OK)
			continue;
		(void)fprintf(stderr, "%s: %s\n", b->port, b->report.text);
		return b;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static bench benches[PORTS];
	const unsigned count = (unsigned)argc - 1;
	unsigned failed = 0;
	if (argc < 2 || count > PORTS)
		return 2;
	for (unsigned i = 0; i < count; i++) {
		benches[i] =
			(bench){.port = argv[i + 1], .number = i, .report = vcpflash_no_report()};
		if (pthread_create(&benches[i].thread, NULL, work, &benches[i]) != 0)
			return 2;
	}
	for (unsigned i = 0; i < count; i++) {
		void *trouble;
		failed += pthread_join(benches[i].thread, &trouble) != 0 || trouble != NULL ||
			  benches[i].told == 0;
	}
	printf("%u of %u right\n", count - failed, count);
	return failed == 0 ? 0 : 1;
}
