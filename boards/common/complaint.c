/* What a board says that has nothing to serve: one line a person can act on. */
#include "loader.h"

const char *vf_loader_complaint(int status)
{
	switch (status) {
	case VF_E_NO_CHIP:
		return "\r\nvcpflash: no flash chip answers (its id reads all 0 or all 1): check "
		       "power, "
		       "chip-select, clock and data pins\r\n";
	case VF_E_UNKNOWN_CHIP:
		return "\r\nvcpflash: the flash chip describes itself by no SFDP and is in no "
		       "table: "
		       "add a row to nor/parts.c\r\n";
	case VF_E_CONFLICT:
		return "\r\nvcpflash: what the flash chip says of itself and the table differ: "
		       "report it, or set trust_table\r\n";
	case VF_E_DIES_DIFFER:
		return "\r\nvcpflash: the two flash chips answer differently: check the second "
		       "one's "
		       "pins, and that both are the same part\r\n";
	case VF_E_BUS:
		return "\r\nvcpflash: the flash chip does not answer twice the same: check the bus "
		       "clock, sampling, and the time chip-select stays high\r\n";
	case VF_E_TIMEOUT:
		return "\r\nvcpflash: the flash chip stays busy: check its data pins, or power it "
		       "off "
		       "and on\r\n";
	default:
		return "\r\nvcpflash: the loader's configuration contradicts itself\r\n";
	}
}

typedef struct line {
	char *out;
	size_t room, len;
} line;

static void put(line *l, const char *text)
{
	for (; *text != '\0'; text++) {
		if (l->len < l->room)
			l->out[l->len++] = *text;
	}
}

static void put_id(line *l, const uint8_t id[6])
{
	static const char digits[] = "0123456789ABCDEF";

	put(l, " (its id:");
	for (unsigned i = 0; i < 6; i++)
		put(l, (char[]){' ', digits[id[i] >> 4], digits[id[i] & 15], '\0'});
	put(l, ")");
}

size_t vf_nor_door_complaint(const vf_nor_door *d, int status, char *out, size_t room)
{
	const char *text = vf_loader_complaint(status);
	line l = {out, room, 0};

	put(&l, text);
	if (status == VF_E_USAGE || l.len < 2)
		return l.len;
	l.len -= 2; /* its line end comes last */
	put_id(&l, d->nor.chip.id);
	if (status == VF_E_CONFLICT && d->nor.chip.conflict != NULL) {
		put(&l, ": ");
		put(&l, d->nor.chip.conflict);
	}
	put(&l, "\r\n");
	return l.len;
}
