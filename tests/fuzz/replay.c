/* replay.c - runs a fuzzer's function over its corpus, where there is no fuzzer to
 * drive it: so what was once found is looked at by every build.
 */
#include "fuzz.h"

static unsigned digit(int c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* An input of its exact size, so that a sanitizer sees who reads past it. */
static void one(const char *hex, size_t digits)
{
	uint8_t *bytes = malloc(digits / 2 + 1);
	FUZZ_CHECK(bytes != NULL && digits % 2 == 0);
	for (size_t i = 0; i < digits / 2; i++)
		bytes[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	uint8_t *exact = realloc(bytes, digits / 2);
	FUZZ_CHECK(exact != NULL);
	(void)LLVMFuzzerTestOneInput(exact, digits / 2);
	free(exact);
}

int main(int argc, char **argv)
{
	static char line[1 << 18];
	unsigned inputs = 0;
	FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
	if (f == NULL) {
		(void)fprintf(stderr, "usage: %s CORPUS.hex\n", argv[0]);
		return 2;
	}
	for (; fgets(line, sizeof line, f) != NULL; inputs++)
		one(line, strcspn(line, "\n"));
	(void)fclose(f);
	(void)printf("%u inputs\n", inputs);
	return inputs == 0;
}
