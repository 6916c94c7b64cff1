/* tinyusb.c - TinyUSB's CDC-ACM device on the emulated board: what it receives it sends
 * back. Built by script/usb-stacks with TinyUSB's sources as they are.
 */
#include "stm32h7xx.h"
#include "tusb.h"

enum { STRINGS = 4 };

static const tusb_desc_device_t device = {
	.bLength = sizeof(tusb_desc_device_t),
	.bDescriptorType = TUSB_DESC_DEVICE,
	.bcdUSB = 0x0200,
	.bDeviceClass = TUSB_CLASS_MISC,
	.bDeviceSubClass = MISC_SUBCLASS_COMMON,
	.bDeviceProtocol = MISC_PROTOCOL_IAD,
	.bMaxPacketSize0 = CFG_TUD_ENDPOINT0_SIZE,
	.idVendor = 0xCAFE,
	.idProduct = 0x4001,
	.bcdDevice = 0x0100,
	.iManufacturer = 1,
	.iProduct = 2,
	.iSerialNumber = 3,
	.bNumConfigurations = 1,
};

enum { TOTAL = TUD_CONFIG_DESC_LEN + TUD_CDC_DESC_LEN };

static const uint8_t full[] = {TUD_CONFIG_DESCRIPTOR(1, 2, 0, TOTAL, 0, 100),
			       TUD_CDC_DESCRIPTOR(0, 0, 0x81, 8, 0x02, 0x82, 64)};
static const uint8_t high[] = {TUD_CONFIG_DESCRIPTOR(1, 2, 0, TOTAL, 0, 100),
			       TUD_CDC_DESCRIPTOR(0, 0, 0x81, 8, 0x02, 0x82, 512)};
static const tusb_desc_device_qualifier_t qualifier = {
	.bLength = sizeof(tusb_desc_device_qualifier_t),
	.bDescriptorType = TUSB_DESC_DEVICE_QUALIFIER,
	.bcdUSB = 0x0200,
	.bDeviceClass = TUSB_CLASS_MISC,
	.bDeviceSubClass = MISC_SUBCLASS_COMMON,
	.bDeviceProtocol = MISC_PROTOCOL_IAD,
	.bMaxPacketSize0 = CFG_TUD_ENDPOINT0_SIZE,
	.bNumConfigurations = 1,
};
static uint8_t other[TOTAL];

const uint8_t *tud_descriptor_device_cb(void)
{
	return (const uint8_t *)&device;
}

const uint8_t *tud_descriptor_configuration_cb(uint8_t index)
{
	(void)index;
	return tud_speed_get() == TUSB_SPEED_HIGH ? high : full;
}

const uint8_t *tud_descriptor_device_qualifier_cb(void)
{
#ifdef HIGH_SPEED
	return (const uint8_t *)&qualifier;
#else
	(void)qualifier;
	return NULL;
#endif
}

const uint8_t *tud_descriptor_other_speed_configuration_cb(uint8_t index)
{
	(void)index;
	memcpy(other, tud_speed_get() == TUSB_SPEED_HIGH ? full : high, sizeof other);
	other[1] = TUSB_DESC_OTHER_SPEED_CONFIG;
	return other;
}

const uint16_t *tud_descriptor_string_cb(uint8_t index, uint16_t language)
{
	static const char *const text[STRINGS] = {"\x09\x04", "emulated", "TinyUSB", "123456"};
	static uint16_t string[32];
	uint8_t n = 0;

	(void)language;
	if (index >= STRINGS)
		return NULL;
	if (index == 0)
		string[++n] = 0x0409;
	for (; index != 0 && text[index][n] != '\0'; n++)
		string[n + 1] = (uint8_t)text[index][n];
	string[0] = (uint16_t)(TUSB_DESC_STRING << 8 | (2 * n + 2));
	return string;
}

uint32_t tusb_time_millis_api(void)
{
	return 0;
}

void tusb_time_delay_ms_api(uint32_t ms)
{
	for (volatile uint32_t i = 0; i < ms * (SystemCoreClock / 10000); i++)
		;
}

void OTG_FS_IRQHandler(void)
{
	tud_int_handler(0);
}

void OTG_HS_IRQHandler(void)
{
	tud_int_handler(1);
}

static void alternate(GPIO_TypeDef *port, unsigned pin)
{
	port->AFR[pin / 8] |= 10u << 4 * (pin % 8);
	port->MODER = (port->MODER & ~(3u << 2 * pin)) | 2u << 2 * pin;
}

static void wire(void)
{
#ifdef HIGH_SPEED
	static const uint8_t b[] = {0, 1, 5, 10, 11, 12, 13};

	RCC->AHB4ENR |= 0x187;
	for (unsigned i = 0; i < sizeof b; i++)
		alternate(GPIOB, b[i]);
	alternate(GPIOA, 3);
	alternate(GPIOA, 5);
	alternate(GPIOC, 0);
	alternate(GPIOH, 4);
	alternate(GPIOI, 11);
	RCC->AHB1ENR |= RCC_AHB1ENR_USB1OTGHSEN | RCC_AHB1ENR_USB1OTGHSULPIEN;
#else
	RCC->AHB4ENR |= RCC_AHB4ENR_GPIOAEN;
	alternate(GPIOA, 11);
	alternate(GPIOA, 12);
	RCC->AHB1ENR |= RCC_AHB1ENR_USB2OTGFSEN;
#endif
}

int main(void)
{
	PWR->CR3 = (PWR->CR3 & ~PWR_CR3_LDOEN) | PWR_CR3_USB33DEN;
	while ((PWR->CSR1 & PWR_CSR1_ACTVOSRDY) == 0)
		;
	RCC->CR |= RCC_CR_HSI48ON;
	while ((RCC->CR & RCC_CR_HSI48RDY) == 0)
		;
	RCC->D2CCIP2R |= RCC_D2CCIP2R_USBSEL;
	wire();
	tusb_init();
	for (;;) {
		static uint8_t data[512];
		uint32_t n;

		tud_task();
		n = tud_cdc_write_available();
		n = n < sizeof data ? n : sizeof data;
		n = n != 0 && tud_cdc_available() != 0 ? tud_cdc_read(data, n) : 0;
		if (n != 0)
			(void)tud_cdc_write(data, n);
		(void)tud_cdc_write_flush();
	}
}
