/* library_words.c - what the engines say to a person at a command line, said to a caller:
 * an option of the command is an option of the call, or its port. */
#include <string.h>

#include "library.h"

static const struct {
	const char *command, *call;
} words[] = {
	{"--discard", "the option discard"},
	{"--key-file", "the option key_file"},
	{"--max-baud", "the option max_baud"},
	{"-p", "the argument port"},
	{"`vcpflash ports` lists", "the call ports lists"},
};

static bool ends_word(char c)
{
	return c == '\0' || strchr(" ,;:.)", c) != NULL;
}

/* The one that stands at `at`, which is in `text`; -1 none. */
static int word_at(const char *text, const char *at)
{
	if (at != text && at[-1] != ' ' && at[-1] != '(')
		return -1;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		const size_t len = strlen(words[i].command);
		if (strncmp(at, words[i].command, len) == 0 && ends_word(at[len]))
			return (int)i;
	}
	return -1;
}

void vf_library_say(char *out, size_t room, const char *text)
{
	size_t have = 0;
	for (const char *at = text; *at != '\0' && have + 1 < room;) {
		const int word = word_at(text, at);
		if (word < 0) {
			out[have++] = *at++;
			continue;
		}
		(void)snprintf(out + have, room - have, "%s", words[word].call);
		have += strlen(out + have);
		at += strlen(words[word].command);
	}
	out[have] = '\0';
}
