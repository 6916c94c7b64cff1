/* st.c - ST's USB device stack with its CDC class over HAL_PCD on the emulated board: what
 * it receives it sends back. Built by script/usb-stacks with ST's sources and the
 * configuration of ST's HID example as they are.
 */
#include "main.h"
#include "usbd_cdc.h"

USBD_HandleTypeDef USBD_Device;
extern PCD_HandleTypeDef hpcd;
static uint8_t buffer[CDC_DATA_FS_MAX_PACKET_SIZE];
static USBD_CDC_LineCodingTypeDef line = {115200, 0, 0, 8};

static int8_t init(void)
{
	USBD_CDC_SetRxBuffer(&USBD_Device, buffer);
	return USBD_OK;
}

static int8_t deinit(void)
{
	return USBD_OK;
}

static int8_t control(uint8_t command, uint8_t *data, uint16_t length)
{
	(void)length;
	if (command == CDC_GET_LINE_CODING)
		memcpy(data, &line, 7);
	else if (command == CDC_SET_LINE_CODING)
		memcpy(&line, data, 7);
	return USBD_OK;
}

static int8_t receive(uint8_t *data, uint32_t *length)
{
	USBD_CDC_SetTxBuffer(&USBD_Device, data, *length);
	USBD_CDC_TransmitPacket(&USBD_Device);
	return USBD_OK;
}

/* The buffer is free again when it was sent. */
static int8_t sent(uint8_t *data, uint32_t *length, uint8_t endpoint)
{
	(void)data;
	(void)length;
	(void)endpoint;
	USBD_CDC_ReceivePacket(&USBD_Device);
	return USBD_OK;
}

static USBD_CDC_ItfTypeDef door = {init, deinit, control, receive, sent};

void SysTick_Handler(void)
{
	HAL_IncTick();
}

void OTG_FS_IRQHandler(void)
{
	HAL_PCD_IRQHandler(&hpcd);
}

static void clocks(void)
{
	RCC_OscInitTypeDef osc = {.OscillatorType = RCC_OSCILLATORTYPE_HSI48,
				  .HSI48State = RCC_HSI48_ON};
	RCC_PeriphCLKInitTypeDef usb = {.PeriphClockSelection = RCC_PERIPHCLK_USB,
					.UsbClockSelection = RCC_USBCLKSOURCE_HSI48};

	HAL_PWREx_ConfigSupply(PWR_DIRECT_SMPS_SUPPLY);
	HAL_RCC_OscConfig(&osc);
	HAL_RCCEx_PeriphCLKConfig(&usb);
	HAL_PWREx_EnableUSBVoltageDetector();
}

int main(void)
{
	HAL_Init();
	clocks();
	USBD_Init(&USBD_Device, &HID_Desc, 0);
	USBD_RegisterClass(&USBD_Device, &USBD_CDC);
	USBD_CDC_RegisterInterface(&USBD_Device, &door);
	USBD_Start(&USBD_Device);
	for (;;)
		;
}
