/* fake_hal.h - what vcpflash_cube.c uses of ST's HAL and of CMSIS, as prototypes
 * over the fake project of fake.h. Only names, types and values that ST's headers
 * make public are here, nothing of their code.
 */
#ifndef FAKE_HAL_H
#define FAKE_HAL_H

#include <stdbool.h>
#include <stdint.h>

typedef enum { HAL_OK = 0, HAL_ERROR, HAL_BUSY, HAL_TIMEOUT } HAL_StatusTypeDef;

uint32_t HAL_GetTick(void);
uint32_t HAL_GetUIDw0(void);
uint32_t HAL_GetUIDw1(void);
uint32_t HAL_GetUIDw2(void);

uint32_t __get_PRIMASK(void);
void __set_PRIMASK(uint32_t masked);
void __disable_irq(void);

typedef struct {
	uint32_t VTOR, ICSR;
} SCB_Type;
typedef struct {
	uint32_t TYPE, CTRL, RNR, RBAR, RASR;
} MPU_Type;
extern SCB_Type fake_scb;
extern MPU_Type fake_mpu;
#define SCB (&fake_scb)

#ifndef FAKE_CORTEX_M4
#define __CORTEX_M       (7U)
#define __MPU_PRESENT    1U
#define __DCACHE_PRESENT 1U
#define __ICACHE_PRESENT 1U
#define MPU              (&fake_mpu)
void SCB_InvalidateDCache_by_Addr(void *address, int32_t len);
void SCB_InvalidateICache(void);
void SCB_DisableDCache(void);
void SCB_DisableICache(void);
#endif

/* Only vf_cube_start touches these, which runs on a Cortex-M alone. */
#define SCB_ICSR_PENDSTCLR_Msk (1UL << 25)
#define SCB_ICSR_PENDSVCLR_Msk (1UL << 27)
typedef struct {
	uint32_t CTRL;
} SysTick_Type;
typedef struct {
	uint32_t ICER[8], ICPR[8];
} NVIC_Type;
extern SysTick_Type fake_systick;
extern NVIC_Type fake_nvic;
#define SysTick (&fake_systick)
#define NVIC    (&fake_nvic)

static inline void __DMB(void)
{
}
static inline void __DSB(void)
{
}
static inline void __ISB(void)
{
}

typedef struct {
	struct {
		uint32_t SampleShifting, FlashSize, DualFlash;
	} Init;
} QSPI_HandleTypeDef;
#define QSPI_DUALFLASH_ENABLE  0x40U
#define QSPI_DUALFLASH_DISABLE 0U

HAL_StatusTypeDef HAL_QSPI_Abort(QSPI_HandleTypeDef *handle);

#define BSP_ERROR_NONE              0
#define BSP_ERROR_WRONG_PARAM       (-2)
#define BSP_ERROR_BUSY              (-3)
#define BSP_ERROR_PERIPH_FAILURE    (-4)
#define BSP_ERROR_COMPONENT_FAILURE (-5)

/* The tests' own: the project stands in for addresses. */
void fake_copy_mapped(uint8_t *to, uint32_t address, uint32_t len);
uintptr_t fake_code_at(uintptr_t function);
#define VF_CUBE_COPY_MAPPED(to, address, len) fake_copy_mapped(to, address, len)
#define VF_CUBE_CODE_AT(function)             fake_code_at((uintptr_t)(function))

#endif
