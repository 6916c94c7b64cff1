/* tusb_config.h - TinyUSB as script/usb-stacks builds it: one CDC-ACM function on the
 * DesignWare core, its FIFOs moved by the processor.
 */
#ifndef TUSB_CONFIG_H
#define TUSB_CONFIG_H

#define CFG_TUSB_MCU OPT_MCU_STM32H7
#define CFG_TUSB_OS  OPT_OS_NONE
#ifdef HIGH_SPEED
#define CFG_TUSB_RHPORT1_MODE  (OPT_MODE_DEVICE | OPT_MODE_HIGH_SPEED)
#define CFG_TUD_CDC_EP_BUFSIZE 512
#else
#define CFG_TUSB_RHPORT0_MODE  (OPT_MODE_DEVICE | OPT_MODE_FULL_SPEED)
#define CFG_TUD_CDC_EP_BUFSIZE 64
#endif
#define CFG_TUD_ENABLED           1
#define CFG_TUD_DWC2_SLAVE_ENABLE 1
#define CFG_TUD_DWC2_DMA_ENABLE   0
#define CFG_TUD_ENDPOINT0_SIZE    64
#define CFG_TUD_CDC               1
#define CFG_TUD_CDC_RX_BUFSIZE    2048
#define CFG_TUD_CDC_TX_BUFSIZE    2048

#endif
