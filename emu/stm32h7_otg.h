/* stm32h7_otg.h - the state of one OTG core (a DesignWare USB 2.0 OTG in device mode,
 * its FIFOs filled and emptied by the processor). Private to the room.
 *
 * stm32h7_otg.c has the registers, stm32h7_otg_endpoint.c those of endpoints and the
 * FIFOs, stm32h7_otg_bus.c what the host's packets do, stm32h7_otg_phy.c what has to
 * be true of clocks, supply and pins before there is a device on the cable.
 */
#ifndef VCPFLASH_EMU_STM32H7_OTG_H
#define VCPFLASH_EMU_STM32H7_OTG_H

#include "stm32h7_register.h"
#include "usb_port.h"

enum {
	VF_H7_OTG_ENDPOINTS = 9, /* each way, endpoint 0 included */
	VF_H7_OTG_WORDS = 1024,  /* of FIFO memory */
	VF_H7_OTG_REGISTERS = 0xE08 / 4,
};

/* Offsets of registers that more than one file looks at. */
enum {
	VF_OTG_GOTGCTL = 0x000,
	VF_OTG_GOTGINT = 0x004,
	VF_OTG_GAHBCFG = 0x008,
	VF_OTG_GUSBCFG = 0x00C,
	VF_OTG_GRSTCTL = 0x010,
	VF_OTG_GINTSTS = 0x014,
	VF_OTG_GINTMSK = 0x018,
	VF_OTG_GRXSTSR = 0x01C,
	VF_OTG_GRXSTSP = 0x020,
	VF_OTG_GRXFSIZ = 0x024,
	VF_OTG_DIEPTXF0 = 0x028,
	VF_OTG_GCCFG = 0x038,
	VF_OTG_DIEPTXF1 = 0x104,
	VF_OTG_DCFG = 0x800,
	VF_OTG_DCTL = 0x804,
	VF_OTG_DSTS = 0x808,
	VF_OTG_DIEPMSK = 0x810,
	VF_OTG_DOEPMSK = 0x814,
	VF_OTG_DAINT = 0x818,
	VF_OTG_DAINTMSK = 0x81C,
	VF_OTG_DIEPEMPMSK = 0x834,
	VF_OTG_IN = 0x900,
	VF_OTG_OUT = 0xB00,
	VF_OTG_PCGCCTL = 0xE00,
	VF_OTG_FIFO = 0x1000,
};

/* GINTSTS */
#define VF_OTG_SOF      (1u << 3)
#define VF_OTG_RXFLVL   (1u << 4)
#define VF_OTG_GINAKEFF (1u << 6)
#define VF_OTG_GONAKEFF (1u << 7)
#define VF_OTG_ESUSP    (1u << 10)
#define VF_OTG_USBSUSP  (1u << 11)
#define VF_OTG_USBRST   (1u << 12)
#define VF_OTG_ENUMDNE  (1u << 13)
#define VF_OTG_IEPINT   (1u << 18)
#define VF_OTG_OEPINT   (1u << 19)
#define VF_OTG_RSTDET   (1u << 23)
#define VF_OTG_SRQINT   (1u << 30)
#define VF_OTG_WKUINT   (1u << 31)
/* DCTL, PCGCCTL */
#define VF_OTG_SDIS    (1u << 1)
#define VF_OTG_STOPCLK (1u << 0)
/* DIEPCTL, DOEPCTL */
#define VF_OTG_MPSIZ  0x7FFu
#define VF_OTG_USBAEP (1u << 15)
#define VF_OTG_DPID   (1u << 16)
#define VF_OTG_NAKSTS (1u << 17)
#define VF_OTG_STALL  (1u << 21)
#define VF_OTG_CNAK   (1u << 26)
#define VF_OTG_SNAK   (1u << 27)
#define VF_OTG_SD0PID (1u << 28)
#define VF_OTG_SD1PID (1u << 29)
#define VF_OTG_EPDIS  (1u << 30)
#define VF_OTG_EPENA  (1u << 31)
/* DIEPINT, DOEPINT */
#define VF_OTG_XFRC    (1u << 0)
#define VF_OTG_EPDISD  (1u << 1)
#define VF_OTG_STUP    (1u << 3)
#define VF_OTG_TOC     (1u << 3)
#define VF_OTG_ITTXFE  (1u << 4)
#define VF_OTG_OTEPDIS (1u << 4)
#define VF_OTG_OTEPSPR (1u << 5)
#define VF_OTG_INEPNE  (1u << 6)
#define VF_OTG_B2BSTUP (1u << 6)
#define VF_OTG_TXFE    (1u << 7)
#define VF_OTG_BERR    (1u << 12)
#define VF_OTG_NAK     (1u << 13)
#define VF_OTG_STPKTRX (1u << 15)
/* DIEPTSIZ, DOEPTSIZ of endpoints above 0 */
#define VF_OTG_XFRSIZ 0x7FFFFu
#define VF_OTG_PKTCNT 0x3FFu

/* What the status words in the receive FIFO tell. */
enum {
	VF_OTG_GLOBAL_NAK = 1,
	VF_OTG_OUT_DATA = 2,
	VF_OTG_OUT_COMPLETE = 3,
	VF_OTG_SETUP_COMPLETE = 4,
	VF_OTG_SETUP_DATA = 6,
};

typedef struct vf_h7_otg_in {
	uint32_t ctl, flags; /* flags: DIEPINT, those that are kept */
	uint32_t unwritten;  /* XFRSIZ: bytes the firmware has not yet put into the FIFO */
	uint32_t unsent;     /* … that the host has not yet taken */
	uint32_t packets;    /* PKTCNT */
	uint32_t rest;       /* words of the packet that is being written */
	uint32_t head, used; /* words of the FIFO */
	uint64_t off_ns;     /* when EPDIS takes effect; 0: it was not asked for */
	uint32_t fifo[VF_H7_OTG_WORDS];
} vf_h7_otg_in;

typedef struct vf_h7_otg_out {
	uint32_t ctl, flags;
	uint32_t size, packets; /* XFRSIZ, PKTCNT */
	uint32_t setups;        /* STUPCNT */
	bool ended;             /* the last packet is in the FIFO, its end not yet read */
	uint64_t off_ns;
} vf_h7_otg_out;

typedef struct vf_h7_otg {
	vf_h7_unit unit;
	uint8_t number; /* 1 = OTG1_HS, 2 = OTG2_FS */
	uint8_t irq;
	bool wired; /* the board has a socket at it */
	uint32_t value[VF_H7_OTG_REGISTERS];
	vf_h7_otg_in in[VF_H7_OTG_ENDPOINTS];
	vf_h7_otg_out out[VF_H7_OTG_ENDPOINTS];
	uint32_t rx[VF_H7_OTG_WORDS];
	uint32_t rx_head, rx_used;
	uint32_t rx_rest;         /* data words after the status word read last */
	uint32_t rx_setup;        /* words of SETUP packets among those used */
	uint8_t address;          /* in effect: DAD, but during SET_ADDRESS the one before */
	bool transfer;            /* a control transfer has begun and its IN not yet been taken */
	bool setup_open;          /* a SETUP stage that no later token has closed */
	bool vbus;                /* of the cable */
	bool high, suspended;     /* speed agreed; lines idle for 3 ms */
	bool unreset;             /* PHYSEL changed and the core not reset since */
	bool wakes;               /* drives resume (RWUSIG) */
	uint64_t reset_ns;        /* when CSRST clears; 0: it is clear */
	uint64_t flush_ns;        /* the same for RXFFLSH and TXFFLSH */
	bool level;               /* of the interrupt line */
	uint64_t packets, resets; /* data packets both ways, resets of the bus */
} vf_h7_otg;

static inline uint32_t vf_otg_reg(const vf_h7_otg *otg, unsigned offset)
{
	return otg->value[offset / 4];
}

/* stm32h7_otg.c: GINTSTS, DAINT and the line, after anything changed. */
void vf_h7_otg_settle(vf_h7_otg *otg);
uint32_t vf_h7_otg_daint(const vf_h7_otg *otg);

/* stm32h7_otg_endpoint.c */
uint32_t vf_h7_otg_endpoint_read(vf_h7_otg *otg, uint32_t offset);
void vf_h7_otg_endpoint_write(vf_h7_otg *otg, uint32_t offset, uint32_t value);
void vf_h7_otg_endpoint_reset(vf_h7_otg *otg);
uint32_t vf_h7_otg_pop(vf_h7_otg *otg); /* a status word */
uint32_t vf_h7_otg_fifo_read(vf_h7_otg *otg);
void vf_h7_otg_fifo_write(vf_h7_otg *otg, unsigned number, uint32_t value);
void vf_h7_otg_flush_rx(vf_h7_otg *otg);
void vf_h7_otg_flush_tx(vf_h7_otg *otg, unsigned number); /* 16: all */
void vf_h7_otg_disabled(vf_h7_otg *otg, uint64_t now_ns);
uint64_t vf_h7_otg_disabling(const vf_h7_otg *otg);
uint32_t vf_h7_otg_in_flags(const vf_h7_otg *otg, unsigned n);        /* DIEPINT */
unsigned vf_h7_otg_packet(const vf_h7_otg *otg, bool in, unsigned n); /* its maximum */
uint32_t vf_h7_otg_depth(const vf_h7_otg *otg, unsigned n);           /* of TX FIFO n */

/* stm32h7_otg_bus.c: puts a status word and data into the receive FIFO; false: no room. */
bool vf_h7_otg_push(vf_h7_otg *otg, unsigned kind, unsigned endpoint, unsigned pid,
		    const uint8_t *data, size_t len);
/* The socket of the core. */
vf_usb_port vf_h7_otg_port(vf_h7_otg *otg);

/* stm32h7_otg_phy.c */
bool vf_h7_otg_phy_clock(const vf_h7_otg *otg); /* the PHY gives the core its clock */
bool vf_h7_otg_session(const vf_h7_otg *otg);   /* B session valid, as the core sees it */
bool vf_h7_otg_visible(vf_h7_otg *otg);         /* the pull-up is on the line */
void vf_h7_otg_timing_check(vf_h7_otg *otg);    /* stops the run for a wrong turnaround */

#endif
