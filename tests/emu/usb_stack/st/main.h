/* main.h - what ST's example files for the board expect of a program that includes them;
 * where the example reserves memory for its HID class, there is to be room for CDC.
 */
#ifndef MAIN_H
#define MAIN_H

#include "stm32h7xx_hal.h"
#include "usbd_cdc.h"
#include "usbd_core.h"
#include "usbd_desc.h"

#define __USB_HID_H
#define BUTTON_USER_PIN GPIO_PIN_13
typedef USBD_CDC_HandleTypeDef USBD_HID_HandleTypeDef;

#endif
