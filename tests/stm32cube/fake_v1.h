/* fake_v1.h - the prototypes of BSP_QSPI_* without instances, as the STM32F746G-DISCO's
 * board support package has them.
 */
#ifndef FAKE_V1_H
#define FAKE_V1_H

#include "fake_hal.h"

#define QSPI_OK    ((uint8_t)0x00)
#define QSPI_ERROR ((uint8_t)0x01)
#define QSPI_BUSY  ((uint8_t)0x02)

typedef struct {
	uint32_t FlashSize, EraseSectorSize, EraseSectorsNumber, ProgPageSize, ProgPagesNumber;
} QSPI_Info;

uint8_t BSP_QSPI_Init(void);
uint8_t BSP_QSPI_DeInit(void);
uint8_t BSP_QSPI_Read(uint8_t *pData, uint32_t ReadAddr, uint32_t Size);
uint8_t BSP_QSPI_Write(uint8_t *pData, uint32_t WriteAddr, uint32_t Size);
uint8_t BSP_QSPI_Erase_Block(uint32_t BlockAddress);
uint8_t BSP_QSPI_Erase_Chip(void);
uint8_t BSP_QSPI_GetStatus(void);
uint8_t BSP_QSPI_GetInfo(QSPI_Info *pInfo);
uint8_t BSP_QSPI_EnableMemoryMappedMode(void);

#endif
