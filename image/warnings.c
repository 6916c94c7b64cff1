/* warnings.c - what a person should look at before an image is programmed.
 *
 * Which core an image was built for shows in its stack: only the Cortex-M7 of an
 * STM32H7 reaches the DTCM, and images for its Cortex-M4 keep their stack in D2
 * SRAM. What is merely likely is worded so.
 */
#include "internal.h"

#include <stdio.h>

enum { MOST_TABLES = 32 };

enum core { CORE_UNKNOWN, CORE_M7, CORE_M4 };

typedef struct finding {
	const vf_image *img;
	void (*say)(void *ctx, const char *line);
	void *ctx;
	size_t count;
	size_t tables;
	vf_vector_table table[MOST_TABLES];
} finding;

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
tell(finding *f, const char *fmt, ...)
{
	char line[400];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	f->say(f->ctx, line);
	f->count++;
}

static const char *source_name(const finding *f, uint16_t source)
{
	return vf_short_name(f->img->sources[source].name);
}

static enum core built_for(const vf_vector_table *t)
{
	if (strcmp(t->ram, "DTCM") == 0)
		return CORE_M7;
	return strcmp(t->ram, "D2 SRAM") == 0 ? CORE_M4 : CORE_UNKNOWN;
}

static enum core core_of_place(uint32_t addr)
{
	if (addr == 0x08000000 || addr == 0x90000000)
		return CORE_M7;
	return addr == 0x08100000 || addr == 0x90100000 ? CORE_M4 : CORE_UNKNOWN;
}

/* Both images are there and each sits where the other belongs. */
static bool warn_swapped(finding *f)
{
	const vf_vector_table *m7 = NULL;
	const vf_vector_table *m4 = NULL;
	for (size_t i = 0; i < f->tables; i++) {
		const vf_vector_table *t = &f->table[i];
		if (core_of_place(t->addr) == CORE_M4 && built_for(t) == CORE_M7 && m7 == NULL)
			m7 = t;
		if (core_of_place(t->addr) == CORE_M7 && built_for(t) == CORE_M4 && m4 == NULL)
			m4 = t;
	}
	if (m7 == NULL || m4 == NULL)
		return false;
	tell(f,
	     "%s at 0x%08x and %s at 0x%08x look swapped: the first has its stack in DTCM "
	     "(0x%08x), which only the Cortex-M7 reaches, the second in D2 SRAM (0x%08x), as "
	     "Cortex-M4 images do",
	     source_name(f, m7->source), (unsigned)m7->addr, source_name(f, m4->source),
	     (unsigned)m4->addr, (unsigned)m7->sp, (unsigned)m4->sp);
	return true;
}

/* One image at the other core's place. */
static void warn_core(finding *f, const vf_vector_table *t)
{
	const char *name = source_name(f, t->source);
	if (core_of_place(t->addr) == CORE_M4 && built_for(t) == CORE_M7)
		tell(f,
		     "%s: 0x%08x is where an STM32H747's Cortex-M4 starts, but this stack (0x%08x) "
		     "is in DTCM, which only the Cortex-M7 reaches: a Cortex-M7 image belongs at "
		     "0x08000000 or 0x90000000",
		     name, (unsigned)t->addr, (unsigned)t->sp);
	if (core_of_place(t->addr) == CORE_M7 && built_for(t) == CORE_M4)
		tell(f,
		     "%s: 0x%08x is where an STM32H747's Cortex-M7 starts, but this stack (0x%08x) "
		     "is in D2 SRAM, as in images for the Cortex-M4: those belong at 0x08100000 or "
		     "0x90100000",
		     name, (unsigned)t->addr, (unsigned)t->sp);
}

static bool has_core(const finding *f, enum core core)
{
	for (size_t i = 0; i < f->tables; i++) {
		if (built_for(&f->table[i]) == core)
			return true;
	}
	return false;
}

/* With images for both cores it is an STM32H7, and each has its places. */
static void warn_odd_place(finding *f, const vf_vector_table *t)
{
	enum core core = built_for(t);
	if (core_of_place(t->addr) != CORE_UNKNOWN || core == CORE_UNKNOWN ||
	    !has_core(f, core == CORE_M7 ? CORE_M4 : CORE_M7))
		return;
	tell(f, "%s: a Cortex-%s image at 0x%08x: an STM32H747 as delivered starts it at 0x%08x",
	     source_name(f, t->source), core == CORE_M7 ? "M7" : "M4", (unsigned)t->addr,
	     core == CORE_M7 ? 0x08000000u : 0x08100000u);
}

/* Whether the code at `addr` belongs to another file that has its own table. */
static const vf_vector_table *owner_elsewhere(const finding *f, const vf_vector_table *t)
{
	uint32_t addr = t->reset & ~1u;
	size_t i = vf_image_find(f->img, addr);
	if (i == f->img->segment_count || f->img->segments[i].addr > addr)
		return NULL;
	uint16_t source = f->img->segments[i].source;
	for (size_t k = 0; source != t->source && k < f->tables; k++) {
		if (f->table[k].source == source)
			return &f->table[k];
	}
	return NULL;
}

static void warn_reset(finding *f, const vf_vector_table *t)
{
	const char *name = source_name(f, t->source);
	const vf_vector_table *other = owner_elsewhere(f, t);
	if (t->verdict == VF_VECTOR_ELSEWHERE)
		tell(f,
		     "%s: the vector table at 0x%08x starts code at 0x%08x, where the image has "
		     "nothing: linked for another address, or a part is missing",
		     name, (unsigned)t->addr, (unsigned)(t->reset & ~1u));
	else if (other != NULL)
		tell(f,
		     "%s: the vector table at 0x%08x starts code at 0x%08x, which is in %s: is one "
		     "of the two at the wrong address?",
		     name, (unsigned)t->addr, (unsigned)(t->reset & ~1u),
		     source_name(f, other->source));
	if ((t->addr & 0x7F) != 0)
		tell(f,
		     "%s: the vector table at 0x%08x is no multiple of 128, as every Cortex-M "
		     "requires of it: wrong address?",
		     name, (unsigned)t->addr);
}

/* An ELF whose first segment begins with the ELF header: the linker rounded the
 * segment down to its page size. */
static void warn_elf_header(finding *f)
{
	for (size_t i = 0; i < f->img->segment_count; i++) {
		const vf_segment *s = &f->img->segments[i];
		if (f->img->sources[s->source].format == VF_FORMAT_ELF && s->len >= 4 &&
		    s->data != NULL && memcmp(s->data, "\177ELF", 4) == 0)
			tell(f,
			     "%s: the segment at 0x%08x begins with the ELF header itself, which "
			     "would be programmed too: link with -Wl,-n so that segments are not "
			     "rounded down",
			     source_name(f, s->source), (unsigned)s->addr);
	}
}

/* Initialised data that no AT> put into flash, or an image made to run in RAM. */
static void warn_ram(finding *f)
{
	uint64_t bytes = 0;
	const vf_segment *first = NULL;
	for (size_t i = vf_image_find(f->img, 0x20000000); i < f->img->segment_count; i++) {
		const vf_segment *s = &f->img->segments[i];
		if (s->addr >= 0x40000000)
			break;
		first = first == NULL ? s : first;
		bytes += s->len;
	}
	if (first != NULL)
		tell(f,
		     "%s: 0x%08x is RAM (%llu bytes of the image lie in RAM), which keeps nothing "
		     "without power: made to run from RAM, or AT> is missing in the linker script",
		     source_name(f, first->source), (unsigned)first->addr,
		     (unsigned long long)bytes);
}

size_t vf_image_warnings(const vf_image *img, void (*say)(void *ctx, const char *line), void *ctx)
{
	finding f = {.img = img, .say = say, .ctx = ctx};
	size_t found = vf_image_vectors(img, f.table, MOST_TABLES);
	f.tables = found < MOST_TABLES ? found : MOST_TABLES;
	bool swapped = warn_swapped(&f);
	for (size_t i = 0; i < f.tables; i++) {
		if (!swapped)
			warn_core(&f, &f.table[i]);
		warn_odd_place(&f, &f.table[i]);
		warn_reset(&f, &f.table[i]);
	}
	warn_elf_header(&f);
	warn_ram(&f);
	return f.count;
}
