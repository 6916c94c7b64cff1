/* What does not fit into an H7 board's loader: SIZE bytes of constants in section WHERE. To be
 * linked with its script, which says what is too small for it.
 */
__attribute__((section(WHERE), used)) static const char bytes[SIZE] = {1};

void h747_reset(void);

void h747_reset(void)
{
	__asm__ volatile("" : : "r"(bytes));
}
