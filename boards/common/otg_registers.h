/* otg_registers.h - the DesignWare core's registers that the driver uses, and no others.
 *
 * Offsets, names and bits are those of RM0399, "USB on-the-go high-speed (OTG_HS)", and of
 * USB_OTG_GlobalTypeDef and its fellows in ST's CMSIS device header.
 */
#ifndef OTG_REGISTERS_H
#define OTG_REGISTERS_H

#include <stdint.h>

#define OTG_BIT(n) ((uint32_t)1 << (n))

enum {
	GOTGCTL = 0x000,
	GOTGINT = 0x004,
	GAHBCFG = 0x008,
	GUSBCFG = 0x00C,
	GRSTCTL = 0x010,
	GINTSTS = 0x014,
	GINTMSK = 0x018,
	GRXSTSP = 0x020,
	GRXFSIZ = 0x024,
	DIEPTXF0 = 0x028,
	GCCFG = 0x038,
	DIEPTXF1 = 0x104,
	DIEPTXF2 = 0x108,
	DCFG = 0x800,
	DCTL = 0x804,
	DSTS = 0x808,
	DIEPMSK = 0x810,
	DOEPMSK = 0x814,
	DAINT = 0x818,
	DAINTMSK = 0x81C,
	DIEPEMPMSK = 0x834,
	DIEPCTL = 0x900, /* of endpoint 0; each one's are 0x20 further on */
	DIEPINT = 0x908,
	DIEPTSIZ = 0x910,
	DTXFSTS = 0x918,
	DOEPCTL = 0xB00,
	DOEPINT = 0xB08,
	DOEPTSIZ = 0xB10,
	PCGCCTL = 0xE00,
	FIFO = 0x1000,
	ENDPOINT = 0x20,
	FIFO_STEP = 0x1000,
};

#define GOTGCTL_BVALOEN  OTG_BIT(6)
#define GOTGCTL_BVALOVAL OTG_BIT(7)
#define GOTGINT_SEDET    OTG_BIT(2)
#define GAHBCFG_GINTMSK  OTG_BIT(0)

#define GUSBCFG_PHYSEL   OTG_BIT(6)
#define GUSBCFG_TRDT_POS 10
#define GUSBCFG_TRDT     ((uint32_t)15 << GUSBCFG_TRDT_POS)
#define GUSBCFG_FHMOD    OTG_BIT(29)
#define GUSBCFG_FDMOD    OTG_BIT(30)
/* ULPIFSLS, ULPIEVBUSD, ULPIEVBUSI, TSDPS: other ways of using a ULPI PHY */
#define GUSBCFG_ULPI_ODD (OTG_BIT(17) | OTG_BIT(20) | OTG_BIT(21) | OTG_BIT(22))

#define GRSTCTL_CSRST      OTG_BIT(0)
#define GRSTCTL_RXFFLSH    OTG_BIT(4)
#define GRSTCTL_TXFFLSH    OTG_BIT(5)
#define GRSTCTL_TXFNUM_POS 6
#define GRSTCTL_ALL_TX     0x10
#define GRSTCTL_AHBIDL     OTG_BIT(31)

#define GINT_CMOD     OTG_BIT(0) /* host mode */
#define GINT_OTGINT   OTG_BIT(2)
#define GINT_RXFLVL   OTG_BIT(4)
#define GINT_GONAKEFF OTG_BIT(7)
#define GINT_USBSUSP  OTG_BIT(11)
#define GINT_USBRST   OTG_BIT(12)
#define GINT_ENUMDNE  OTG_BIT(13)
#define GINT_IEPINT   OTG_BIT(18)
#define GINT_WKUINT   OTG_BIT(31)

/* An entry of the receive FIFO. */
#define RX_ENDPOINT(status) ((status)&15)
#define RX_BYTES(status)    ((status) >> 4 & 0x7FF)
#define RX_KIND(status)     ((status) >> 17 & 15)
enum { RX_DATA = 2, RX_DONE = 3, RX_SETUP_DONE = 4, RX_SETUP = 6 };

#define GCCFG_PWRDWN OTG_BIT(16) /* 1: the PHY inside is on */
#define GCCFG_VBDEN  OTG_BIT(21)

#define DCFG_DSPD     ((uint32_t)3)
#define DCFG_FULL     ((uint32_t)3) /* by the PHY inside */
#define DCFG_DAD_POS  4
#define DCFG_DAD      ((uint32_t)127 << DCFG_DAD_POS)
#define DCTL_SDIS     OTG_BIT(1)
#define DCTL_TCTL_POS 4
#define DCTL_TCTL     ((uint32_t)7 << DCTL_TCTL_POS)
#define DCTL_SGONAK   OTG_BIT(9)
#define DCTL_CGONAK   OTG_BIT(10)
#define DSTS_SUSPSTS  OTG_BIT(0)
#define DSTS_ENUMSPD  ((uint32_t)3 << 1) /* 0: high speed */

#define EPCTL_USBAEP     OTG_BIT(15)
#define EPCTL_TYPE_POS   18
#define EPCTL_STALL      OTG_BIT(21)
#define EPCTL_TXFNUM_POS 22
#define EPCTL_CNAK       OTG_BIT(26)
#define EPCTL_SNAK       OTG_BIT(27)
#define EPCTL_SD0PID     OTG_BIT(28)
#define EPCTL_EPDIS      OTG_BIT(30)
#define EPCTL_EPENA      OTG_BIT(31)
/* Bits that act by being written as 1. */
#define EPCTL_ACTS                                                                                 \
	(EPCTL_CNAK | EPCTL_SNAK | EPCTL_SD0PID | OTG_BIT(29) | EPCTL_EPDIS | EPCTL_EPENA)
enum { EPCTL_BULK = 2, EPCTL_INTERRUPT = 3 };

#define EPINT_XFRC   OTG_BIT(0)
#define EPINT_EPDISD OTG_BIT(1)
#define EPINT_INEPNE OTG_BIT(6)
#define EPINT_TXFE   OTG_BIT(7)
#define EPINT_ALL    ((uint32_t)0xFFFF)

#define EPTSIZ_PKTCNT_POS 19
#define EPTSIZ_STUPCNT    ((uint32_t)3 << 29)

#endif
