/* fake_ospi.h - the prototypes of BSP_OSPI_NOR_*, as the STM32H735G-DK's board support
 * package has them. Its context is declared by a name that it does not have.
 */
#ifndef FAKE_OSPI_H
#define FAKE_OSPI_H

#include "fake_hal.h"

typedef enum { MX25LM51245G_SPI_MODE = 0, MX25LM51245G_OPI_MODE } MX25LM51245G_Interface_t;
typedef enum { MX25LM51245G_STR_TRANSFER = 0, MX25LM51245G_DTR_TRANSFER } MX25LM51245G_Transfer_t;
typedef enum {
	MX25LM51245G_ERASE_4K = 0,
	MX25LM51245G_ERASE_64K,
	MX25LM51245G_ERASE_BULK
} MX25LM51245G_Erase_t;
typedef struct {
	uint32_t FlashSize, EraseSectorSize, EraseSectorsNumber, EraseSubSectorSize,
		EraseSubSectorNumber, EraseSubSector1Size, EraseSubSector1Number, ProgPageSize,
		ProgPagesNumber;
} MX25LM51245G_Info_t;

#define BSP_OSPI_NOR_Info_t      MX25LM51245G_Info_t
#define BSP_OSPI_NOR_Interface_t MX25LM51245G_Interface_t
#define BSP_OSPI_NOR_Transfer_t  MX25LM51245G_Transfer_t
#define BSP_OSPI_NOR_Erase_t     MX25LM51245G_Erase_t

#define BSP_OSPI_NOR_SPI_MODE     (BSP_OSPI_NOR_Interface_t) MX25LM51245G_SPI_MODE
#define BSP_OSPI_NOR_OPI_MODE     (BSP_OSPI_NOR_Interface_t) MX25LM51245G_OPI_MODE
#define BSP_OSPI_NOR_STR_TRANSFER (BSP_OSPI_NOR_Transfer_t) MX25LM51245G_STR_TRANSFER
#define BSP_OSPI_NOR_DTR_TRANSFER (BSP_OSPI_NOR_Transfer_t) MX25LM51245G_DTR_TRANSFER
#define BSP_OSPI_NOR_ERASE_4K     MX25LM51245G_ERASE_4K
#define BSP_OSPI_NOR_ERASE_64K    MX25LM51245G_ERASE_64K

typedef struct {
	BSP_OSPI_NOR_Interface_t InterfaceMode;
	BSP_OSPI_NOR_Transfer_t TransferRate;
} BSP_OSPI_NOR_Init_t;

int32_t BSP_OSPI_NOR_Init(uint32_t Instance, BSP_OSPI_NOR_Init_t *Init);
int32_t BSP_OSPI_NOR_DeInit(uint32_t Instance);
int32_t BSP_OSPI_NOR_Read(uint32_t Instance, uint8_t *pData, uint32_t ReadAddr, uint32_t Size);
int32_t BSP_OSPI_NOR_Write(uint32_t Instance, uint8_t *pData, uint32_t WriteAddr, uint32_t Size);
int32_t BSP_OSPI_NOR_Erase_Block(uint32_t Instance, uint32_t BlockAddress,
				 BSP_OSPI_NOR_Erase_t BlockSize);
int32_t BSP_OSPI_NOR_Erase_Chip(uint32_t Instance);
int32_t BSP_OSPI_NOR_GetStatus(uint32_t Instance);
int32_t BSP_OSPI_NOR_GetInfo(uint32_t Instance, BSP_OSPI_NOR_Info_t *pInfo);
int32_t BSP_OSPI_NOR_EnableMemoryMappedMode(uint32_t Instance);
int32_t BSP_OSPI_NOR_DisableMemoryMappedMode(uint32_t Instance);
int32_t BSP_OSPI_NOR_ReadID(uint32_t Instance, uint8_t *Id);

#endif
