/* replay.c - runs a fuzzer's function over the files of its corpus, where there is no
 * fuzzer to drive it: so what was once found is looked at by every build.
 */
#include <dirent.h>

#include "fuzz.h"

static bool one(const char *folder, const char *name)
{
	char path[1024];
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		return false;
	uint8_t *bytes = malloc(1 << 20);
	FUZZ_CHECK(bytes != NULL);
	const size_t len = fread(bytes, 1, 1 << 20, f);
	(void)fclose(f);
	/* at its exact size, so that a sanitizer sees who reads past it */
	uint8_t *exact = malloc(len != 0 ? len : 1);
	FUZZ_CHECK(exact != NULL);
	memcpy(exact, bytes, len);
	free(bytes);
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return true;
}

int main(int argc, char **argv)
{
	unsigned files = 0;
	for (int i = 1; i < argc; i++) {
		DIR *d = opendir(argv[i]);
		if (d == NULL) {
			perror(argv[i]);
			return 1;
		}
		for (const struct dirent *e; (e = readdir(d)) != NULL;)
			files += e->d_name[0] != '.' && one(argv[i], e->d_name);
		(void)closedir(d);
	}
	(void)printf("%u inputs\n", files);
	return files == 0;
}
