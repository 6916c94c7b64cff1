/* say.c - what guests tell a person: text, numbers, and what went wrong, into the buffer
 * that waits for the port.
 */
#include <string.h>

#include <vcpflash/guest.h>

void vf_guest_put(vf_guest *g, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len && g->text_head - g->text_tail < VF_GUEST_TEXT; i++)
		/* The analyzer does not see where a string of two digits ends.
		 * NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign) */
		g->text[g->text_head++ & (VF_GUEST_TEXT - 1)] = bytes[i];
}

void vf_guest_say(vf_guest *g, const char *text)
{
	vf_guest_put(g, (const uint8_t *)text, strlen(text));
}

void vf_guest_say_number(vf_guest *g, uint32_t v)
{
	char digits[11];
	char *d = &digits[sizeof digits - 1];
	*d = '\0';
	do {
		*--d = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	vf_guest_say(g, d);
}

void vf_guest_say_bytes(vf_guest *g, const uint8_t *bytes, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		char two[3] = {digit[bytes[i] >> 4], digit[bytes[i] & 15], '\0'};
		vf_guest_say(g, two);
	}
}

void vf_guest_say_address(vf_guest *g, uint32_t v)
{
	uint8_t bytes[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
	vf_guest_say(g, "0x");
	vf_guest_say_bytes(g, bytes, sizeof bytes);
}

void vf_guest_say_size(vf_guest *g, uint32_t v)
{
	const char *unit = " bytes";
	if (v != 0 && v % (1u << 20) == 0) {
		v >>= 20;
		unit = " MB";
	} else if (v != 0 && v % 1024 == 0) {
		v >>= 10;
		unit = " KB";
	}
	vf_guest_say_number(g, v);
	vf_guest_say(g, unit);
}

void vf_guest_say_memories(vf_guest *g, uint32_t meant)
{
	const vf_target_config *c = vf_target_config_get(g->target);
	if (meant != 0) {
		vf_guest_say(g, ": was ");
		vf_guest_say_address(g, meant);
		vf_guest_say(g, " meant?");
		return;
	}
	vf_guest_say(g, c->memories == 1 ? "; the memory is " : "; memories are ");
	for (unsigned m = 0; m < c->memories; m++) {
		const vf_memory *info = c->memory[m].info;
		vf_guest_say(g, m == 0 ? "" : ", ");
		vf_guest_say_address(g, info->base);
		vf_guest_say(g, " to ");
		vf_guest_say_address(g, info->base + (info->size - 1));
	}
}

static uint32_t digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0');
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10 : 16;
}

bool vf_guest_number(const char *text, uint32_t *out)
{
	uint32_t base = 10, n = 0, unit = 1;
	if (text[0] == '0' && (text[1] | 0x20) == 'x') {
		base = 16;
		text += 2;
	}
	if (digit_of(*text) >= base)
		return false;
	for (; digit_of(*text) < base; text++) {
		if (n > (UINT32_MAX - digit_of(*text)) / base)
			return false;
		n = n * base + digit_of(*text);
	}
	if ((*text | 0x20) == 'k')
		unit = 1u << 10;
	else if ((*text | 0x20) == 'm')
		unit = 1u << 20;
	if (unit != 1)
		text++;
	*out = n * unit;
	return *text == '\0' && n <= UINT32_MAX / unit;
}

bool vf_guest_said(const vf_guest *g)
{
	return g->text_head == g->text_tail;
}

/* What a person can do about each is in docs/GUESTS.md, as far as it does not stand here. */
static const char *reason(uint8_t code)
{
	switch (code) {
	case VF_FAIL_RANGE:
		return "it lies outside the board's memories";
	case VF_FAIL_PROTECTED:
		return "the board protects that range, choose another address";
	case VF_FAIL_ERASE:
		return "the chip reports that the erase failed";
	case VF_FAIL_PROGRAM:
		return "the chip reports that programming failed";
	case VF_FAIL_MISMATCH:
		return "it reads back differently from what was sent";
	case VF_FAIL_LOCKED:
		return "the chip says that it is write-protected";
	case VF_FAIL_TIMEOUT:
		return "the chip took longer than its maximum";
	case VF_FAIL_ABSENT:
		return "the chip does not answer";
	case VF_FAIL_NO_APPLICATION:
		return "there is no plausible vector table";
	case VF_FAIL_RIGHTS:
		return "that memory does not allow it";
	case VF_FAIL_UNMARKED:
	case VF_FAIL_INCOMPLETE:
		return "what the board holds is incomplete, program it again";
	case VF_FAIL_JOURNAL:
		return "the board's journal cannot be written or read";
	case VF_FAIL_UNKNOWN:
		return "this board cannot do that";
	default:
		return "the board's flash driver reports a failure";
	}
}

void vf_guest_say_failure(vf_guest *g, const vf_failure *f)
{
	vf_guest_say_address(g, f->address);
	vf_guest_say(g, ": ");
	vf_guest_say(g, reason(f->code));
}

uint32_t vf_guest_meant(const vf_guest *g, const char *text)
{
	uint32_t n = 0;
	unsigned digits = 0;
	for (; digit_of(text[digits]) < 16; digits++)
		n = n << 4 | digit_of(text[digits]);
	const bool all = digits != 0 && digits <= 8 && text[digits] == '\0';
	const unsigned memories = vf_target_config_get(g->target)->memories;
	return all && vf_guest_memory_at(g, n, 1) != memories ? n : 0;
}
