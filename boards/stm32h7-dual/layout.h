/* layout.h - every address of the board in one place: where the loader, the M4 stub and
 * applications stand, and the few words of RAM that outlive a reset.
 *
 * The build reads the values of the linker scripts out of this file, so lines keep the
 * form `#define NAME 0xVALUE`. Addresses are those of both cores unless said otherwise.
 */
#ifndef H747_LAYOUT_H
#define H747_LAYOUT_H

/* Internal flash: two banks of eight sectors, 128 KB each (RM0399, "Flash memory
 * organization"; sizes: FLASH_SECTOR_SIZE in stm32h747xx.h). */
#define H747_FLASH_ADDRESS 0x08000000
#define H747_FLASH_SIZE    0x00200000
#define H747_BANK_SIZE     0x00100000
#define H747_SECTOR_SIZE   0x00020000

/* The loader's own sectors: code, the two halves of its journal (bank 1, sectors 6 and
 * 7), and the stub of the Cortex-M4 at the start of bank 2, where ST's option bytes let
 * that core begin. */
#define H747_LOADER_ADDRESS  0x08000000
#define H747_JOURNAL_ADDRESS 0x080C0000
#define H747_STUB_ADDRESS    0x08100000

/* External flash, two MT25QL512AB in parallel, and the applications in it. */
#define H747_NOR_ADDRESS 0x90000000
#define H747_CM7_ADDRESS 0x90000000
#define H747_CM4_ADDRESS 0x90100000

/* Where applications are looked for in internal flash, after those. */
#define H747_CM7_INTERNAL_ADDRESS 0x08020000
#define H747_CM4_INTERNAL_ADDRESS 0x08120000

/* D2 SRAM: DMA buffers at its start; in SRAM3 the few instructions through which the
 * Cortex-M4 goes to its application. That core sees the same bytes 0x20000000 lower, and
 * may begin at multiples of 64 KB. */
#define H747_DMA_ADDRESS        0x30000000
#define H747_TRAMPOLINE_ADDRESS 0x30040000
#define H747_M4_ALIAS_OFFSET    0x20000000

/* The last 64 bytes of SRAM4, which keeps what it holds through a system reset: an
 * application's request for the loader, and the mailbox of the stub. */
#define H747_REQUEST_ADDRESS 0x3800FFC0
#define H747_MAILBOX_ADDRESS 0x3800FFE0

#endif
