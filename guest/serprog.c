/* serprog.c - the conversation with a client of the serial programmer protocol: commands in,
 * answers out, one at a time. Every command is answered, and its parameters are consumed
 * whether it is carried out or not.
 *
 *     command -> parameters -> [head -> data] -> allow -> bus -> answer -> command
 */
#include <string.h>

#include "serprog_spi.h"

enum { ACK = 0x06, NAK = 0x15, BUS_SPI = 1 << 3, ATTEMPTS = 3, NOPS = 4 };

enum { /* commands */
       NOP = 0x00,
       Q_IFACE = 0x01,
       Q_CMDMAP = 0x02,
       Q_PGMNAME = 0x03,
       Q_SERBUF = 0x04,
       Q_BUSTYPE = 0x05,
       Q_WRNMAXLEN = 0x08,
       O_WRITEN = 0x0D,
       SYNCNOP = 0x10,
       Q_RDNMAXLEN = 0x11,
       S_BUSTYPE = 0x12,
       O_SPIOP = 0x13,
       S_SPI_FREQ = 0x14,
       S_PIN_STATE = 0x15,
       S_SPI_CS = 0x16,
       COMMANDS = 0x19,
};

enum { /* vf_serprog.state */
       COMMAND,
       PARAMETERS,
       HEAD, /* of an SPI operation: up to where its data begins */
       DATA,
       SKIP,  /* what has no use */
       ALLOW, /* somebody has to say whether the change is allowed */
       BUS,   /* one transaction */
       READING,
};

/* Parameter bytes of each command, those included that are not carried out. */
static const uint8_t parameters[COMMANDS] = {
	[0x09] = 3,        [0x0A] = 6,      [0x0C] = 4,    [O_WRITEN] = 6,
	[0x0E] = 4,        [S_BUSTYPE] = 1, [O_SPIOP] = 6, [S_SPI_FREQ] = 4,
	[S_PIN_STATE] = 1, [S_SPI_CS] = 1,  [0x17] = 1,    [0x18] = 1};

int vf_serprog_init(vf_serprog *s, const vf_serprog_config *config)
{
	const vf_memory *m = config->memory;
	memset(s, 0, sizeof *s);
	s->config = *config;
	if (!config->nor->ready || m->dies != 1 || config->nor->config.dies != 1)
		return VF_E_USAGE;
	return config->buf_len < m->page || vf_sp_half(s) < 32 ? VF_E_USAGE : VF_OK;
}

void vf_serprog_reset(vf_serprog *s)
{
	vf_serprog was = *s;
	memset(s, 0, sizeof *s);
	s->config = was.config;
	s->now = s->heard = was.now;
	s->handed = was.handed;
	s->stale = was.handed != 0;
	s->on_bus = s->abandoned = was.on_bus;
	memcpy(s->out, was.out, sizeof s->out);
}

/* --- answers ----------------------------------------------------------------------------- */

static void answer(vf_serprog *s, uint8_t first)
{
	s->out[0] = first;
	s->out_len = 1;
	s->out_sent = 0;
	s->state = COMMAND;
}

static void refuse(vf_serprog *s)
{
	answer(s, NAK);
}

static void answer_number(vf_serprog *s, uint32_t value, uint8_t bytes)
{
	answer(s, ACK);
	for (unsigned i = 0; i < bytes; i++)
		s->out[s->out_len++] = (uint8_t)(value >> 8 * i);
}

static uint32_t number(const uint8_t *bytes, unsigned count)
{
	uint32_t value = 0;
	for (unsigned i = count; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

static uint32_t bus_hz(const vf_serprog *s)
{
	return s->config.nor->config.bus_hz;
}

static void answer_map(vf_serprog *s)
{
	static const uint8_t map[] = {0x3F, 0x01, 0x7F};
	answer(s, ACK);
	memset(s->out + 1, 0, 32);
	memcpy(s->out + 1, map, sizeof map);
	if (bus_hz(s) == 0)
		s->out[3] &= (uint8_t) ~(1u << (S_SPI_FREQ % 8));
	s->out_len = 33;
}

static void answer_name(vf_serprog *s)
{
	answer(s, ACK);
	memset(s->out + 1, 0, VF_SERPROG_NAME);
	for (unsigned i = 0; i < VF_SERPROG_NAME && s->config.name[i] != '\0'; i++)
		s->out[1 + i] = (uint8_t)s->config.name[i];
	s->out_len = 1 + VF_SERPROG_NAME;
}

/* --- commands ---------------------------------------------------------------------------- */

static void select_bus(vf_serprog *s)
{
	s->selected = (s->param[0] & BUS_SPI) != 0;
	s->four = false;
	s->bank = 0;
	s->enable = 0;
	answer(s, s->selected ? ACK : NAK);
}

static void set_pins(vf_serprog *s)
{
	if (s->param[0] == 0)
		s->selected = false;
	answer(s, ACK);
}

/* One clock is all there is. */
static void set_frequency(vf_serprog *s)
{
	if (bus_hz(s) == 0 || number(s->param, 4) == 0)
		refuse(s);
	else
		answer_number(s, bus_hz(s), 4);
}

/* Longer than anything that was said to be possible: bytes were lost, or nobody knows what
 * this client wants. */
static void give_up(vf_serprog *s)
{
	s->selected = false;
	s->lost = true;
	refuse(s);
}

static void begin_operation(vf_serprog *s)
{
	s->send_len = number(s->param, 3);
	s->read_len = number(s->param + 3, 3);
	s->taken = s->data_len = 0;
	s->head_len = 0;
	s->head_max = VF_SERPROG_HEAD;
	s->refused = !s->selected;
	s->known = NULL;
	if (s->send_len == 0)
		refuse(s);
	else if (s->send_len > s->config.buf_len + VF_SERPROG_HEAD)
		give_up(s);
	else
		s->state = HEAD;
}

static void skip(vf_serprog *s, uint32_t len)
{
	s->send_len = len;
	s->taken = 0;
	if (len == 0)
		refuse(s);
	else if (len > s->config.buf_len + VF_SERPROG_HEAD)
		give_up(s);
	else
		s->state = SKIP;
}

static void carry_out(vf_serprog *s)
{
	switch (s->command) {
	case NOP:
		answer(s, ACK);
		break;
	case SYNCNOP:
		answer(s, NAK);
		s->out[s->out_len++] = ACK;
		break;
	case Q_IFACE:
		answer_number(s, 1, 2);
		break;
	case Q_CMDMAP:
		answer_map(s);
		break;
	case Q_PGMNAME:
		answer_name(s);
		break;
	case Q_SERBUF:
		answer_number(s, s->config.serial_len < 0xFFFF ? s->config.serial_len : 0xFFFF, 2);
		break;
	case Q_BUSTYPE:
		answer_number(s, BUS_SPI, 1);
		break;
	case Q_WRNMAXLEN: /* of opcode, address and a page */
		answer_number(s, s->config.memory->page + 5, 3);
		break;
	case Q_RDNMAXLEN: /* any: what is read is sent as it comes */
		answer_number(s, 0, 3);
		break;
	case S_BUSTYPE:
		select_bus(s);
		break;
	case O_SPIOP:
		begin_operation(s);
		break;
	case S_SPI_FREQ:
		set_frequency(s);
		break;
	case S_PIN_STATE:
		set_pins(s);
		break;
	case S_SPI_CS:
		answer(s, s->param[0] == 0 ? ACK : NAK);
		break;
	case O_WRITEN:
		skip(s, number(s->param, 3));
		break;
	default:
		refuse(s);
		break;
	}
}

/* Behind what no version of the protocol knows anything may follow: nothing is carried out
 * until the client begins anew. */
static void take_command(vf_serprog *s, uint8_t command)
{
	s->command = command;
	s->params = 0;
	s->wanted = command < COMMANDS ? parameters[command] : 0;
	s->state = PARAMETERS;
	s->began = s->now;
	if (command >= COMMANDS)
		give_up(s);
	else if (s->wanted == 0)
		carry_out(s);
}

/* --- an SPI operation -------------------------------------------------------------------- */

/* What needs no transaction. */
static void answer_alone(vf_serprog *s)
{
	if (s->known->kind == VF_SP_BANK_READ) {
		answer_number(s, s->bank, 1);
		return;
	}
	answer(s, ACK);
	if (s->known->kind == VF_SP_ABSENT) {
		memset(s->out + 1, 0xFF, s->read_len);
		s->out_len = (uint8_t)(1 + s->read_len);
	}
}

/* All of it was received. */
static void execute(vf_serprog *s)
{
	if (s->refused || !vf_sp_prepare(s)) {
		refuse(s);
		return;
	}
	s->tries = 0;
	s->told = s->asked = false;
	s->nops = 0;
	s->fill = s->drain = 0;
	memset(s->piece, 0, sizeof s->piece);
	if (s->known->kind >= VF_SP_ADDRESS4)
		answer_alone(s);
	else if (vf_sp_reads(s))
		s->state = READING;
	else
		s->state = vf_sp_changes(s) ? ALLOW : BUS;
}

static void take_head(vf_serprog *s, uint8_t byte)
{
	s->head[s->head_len++] = byte;
	if (s->head_len == 1)
		s->refused = s->refused || !vf_sp_recognise(s, byte);
	s->taken++;
	if (s->taken == s->send_len)
		execute(s);
	else if (s->refused || s->head_len == s->head_max)
		s->state = DATA;
}

static size_t take_data(vf_serprog *s, const uint8_t *data, size_t len)
{
	size_t n = s->send_len - s->taken;
	if (n > len)
		n = len;
	if (n > s->config.buf_len - s->data_len)
		s->refused = true;
	if (!s->refused) {
		memcpy(s->config.buf + s->data_len, data, n);
		s->data_len += (uint32_t)n;
	}
	s->taken += (uint32_t)n;
	if (s->taken == s->send_len && s->state == SKIP)
		refuse(s);
	else if (s->taken == s->send_len)
		execute(s);
	return n;
}

/* --- bytes in ---------------------------------------------------------------------------- */

/* Is something to be done or sent before the next command? */
static bool answers(const vf_serprog *s)
{
	return s->stale || s->out_sent < s->out_len || s->state >= ALLOW;
}

static bool reads_on(const vf_serprog *s)
{
	return s->state == READING && s->told && s->left > vf_sp_half(s);
}

bool vf_serprog_holds(const vf_serprog *s)
{
	return answers(s) && !reads_on(s) && s->now - s->heard < VF_SERPROG_COMMAND_US;
}

/* A client listens until its read is complete. One that begins anew was broken off, and
 * would wait in vain for a long one to end. */
static size_t interrupted(vf_serprog *s, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		s->nops = data[i] == NOP ? (uint8_t)(s->nops + 1) : 0;
		if (s->nops == NOPS) {
			vf_serprog_reset(s);
			return i + 1;
		}
	}
	return len;
}

static size_t take(vf_serprog *s, const uint8_t *data, size_t len)
{
	switch (s->state) {
	case COMMAND:
		take_command(s, *data);
		return 1;
	case PARAMETERS:
		s->param[s->params++] = *data;
		if (s->params == s->wanted)
			carry_out(s);
		return 1;
	case HEAD:
		take_head(s, *data);
		return 1;
	case DATA:
	case SKIP:
		return take_data(s, data, len);
	default:
		return 0;
	}
}

size_t vf_serprog_rx(vf_serprog *s, const uint8_t *data, size_t len)
{
	size_t taken = 0;
	while (taken < len && !vf_serprog_holds(s)) {
		bool listens = answers(s);
		size_t n = len - taken;
		n = listens ? interrupted(s, data + taken, n) : take(s, data + taken, n);
		taken += n;
		if (!listens)
			s->heard = s->now;
	}
	return taken;
}

/* --- bytes out --------------------------------------------------------------------------- */

const uint8_t *vf_serprog_tx(vf_serprog *s, size_t *len)
{
	const vf_serprog_piece *p = &s->piece[s->drain];
	const uint8_t *bytes = NULL;
	if (s->stale)
		return NULL;
	if (s->out_sent < s->out_len) {
		s->handed = (uint32_t)(s->out_len - s->out_sent);
		bytes = s->out + s->out_sent;
	} else if (s->state == READING && p->len != 0) {
		s->handed = p->len - p->sent;
		bytes = s->config.buf + (size_t)s->drain * vf_sp_half(s) + p->sent;
	}
	*len = bytes != NULL ? s->handed : 0;
	return bytes;
}

void vf_serprog_tx_done(vf_serprog *s, size_t sent)
{
	vf_serprog_piece *p = &s->piece[s->drain];
	bool stale = s->stale;
	s->heard = s->now;
	s->handed = 0;
	s->stale = false;
	if (stale)
		return;
	if (s->out_sent < s->out_len) {
		s->out_sent = (uint8_t)(s->out_sent + sent);
		return;
	}
	p->sent += (uint32_t)sent;
	if (p->sent < p->len)
		return;
	p->len = 0;
	s->drain ^= 1;
	if (s->left == 0 && s->piece[s->drain].len == 0)
		s->state = COMMAND;
}

/* --- the chip ---------------------------------------------------------------------------- */

bool vf_serprog_change_next(vf_serprog *s, vf_range *range)
{
	if (s->state != ALLOW || s->asked)
		return false;
	s->asked = true;
	*range = s->range;
	return true;
}

void vf_serprog_change_done(vf_serprog *s, int status)
{
	if (s->state != ALLOW || !s->asked)
		return;
	if (status == VF_OK)
		s->state = BUS;
	else
		refuse(s);
}

void vf_serprog_disturbed(vf_serprog *s)
{
	s->again = s->enable != 0;
}

static const vf_bus_op *next_piece(vf_serprog *s)
{
	uint32_t half = vf_sp_half(s);
	if (s->left == 0 || s->piece[s->fill].len != 0)
		return NULL;
	s->op.addr = s->at;
	s->op.len = s->left < half ? s->left : half;
	s->op.rx = s->config.buf + (size_t)s->fill * half;
	return &s->op;
}

const vf_bus_op *vf_serprog_bus_next(vf_serprog *s)
{
	const vf_bus_op *op = NULL;
	if (s->on_bus || s->stale)
		return NULL;
	if (s->state == READING) {
		op = next_piece(s);
	} else if (s->state == BUS && s->again && vf_sp_enabled(s)) {
		s->again = false;
		s->reenabling = true;
		s->extra = (vf_bus_op){.opcode = s->enable, .opcode_lanes = 1};
		op = &s->extra;
	} else if (s->state == BUS) {
		op = &s->op;
	}
	s->on_bus = op != NULL;
	return op;
}

static void piece_done(vf_serprog *s, int status)
{
	if (status != VF_OK) {
		if (++s->tries < ATTEMPTS)
			return;
		/* An ACK cannot be taken back, and wrong bytes would be taken for the chip's:
		 * the client hears nothing more. */
		bool told = s->told;
		vf_serprog_reset(s);
		if (!told)
			refuse(s);
		return;
	}
	s->tries = 0;
	s->piece[s->fill] = (vf_serprog_piece){s->op.len, 0};
	s->fill ^= 1;
	s->at += s->op.len;
	s->left -= s->op.len;
	if (!s->told) {
		answer(s, ACK);
		if (s->sfdp_pad != 0)
			s->out[s->out_len++] = 0xFF;
		s->state = READING;
		s->told = true;
	}
}

/* What was enabled is used up, whether the chip obeyed or not. */
static void operation_done(vf_serprog *s, int status)
{
	bool keep = false; /* nothing was enabled or used up: what was lost still is */
	if (s->known->kind == VF_SP_ENABLE && status == VF_OK)
		s->enable = s->head[0];
	else if (vf_sp_enabled(s) || s->head[0] == 0x04)
		s->enable = 0;
	else
		keep = true;
	s->again = s->again && keep;
	answer(s, status == VF_OK ? ACK : NAK);
}

void vf_serprog_bus_done(vf_serprog *s, int status)
{
	if (!s->on_bus)
		return;
	s->on_bus = false;
	s->heard = s->now;
	if (s->abandoned) {
		s->abandoned = false;
	} else if (s->state == READING) {
		piece_done(s, status);
	} else if (s->reenabling) {
		s->reenabling = false;
		s->again = status != VF_OK;
		if (status != VF_OK)
			refuse(s);
	} else {
		operation_done(s, status);
	}
}

/* --- time -------------------------------------------------------------------------------- */

static bool receiving(const vf_serprog *s)
{
	return s->state >= PARAMETERS && s->state <= SKIP;
}

bool vf_serprog_active(const vf_serprog *s)
{
	return s->selected;
}

bool vf_serprog_busy(const vf_serprog *s)
{
	return s->state != COMMAND || s->out_sent < s->out_len || s->on_bus;
}

bool vf_serprog_expects(const vf_serprog *s)
{
	return receiving(s);
}

bool vf_serprog_wants_chip(const vf_serprog *s)
{
	return s->state >= ALLOW;
}

bool vf_serprog_lost(const vf_serprog *s)
{
	return s->lost;
}

/* False: silence changes nothing. */
static bool patience(const vf_serprog *s, uint32_t *since, uint32_t *span)
{
	*since = receiving(s) ? s->began : s->heard;
	*span = receiving(s) ? VF_SERPROG_COMMAND_US : VF_SERPROG_IDLE_US;
	return receiving(s) || (s->selected && !vf_serprog_busy(s));
}

/* A client that only stalled hears at least that it failed. */
void vf_serprog_tick(vf_serprog *s, uint32_t now_us)
{
	uint32_t since, span;
	bool broken_off = receiving(s);
	s->now = now_us;
	if (!patience(s, &since, &span) || now_us - since < span)
		return;
	vf_serprog_reset(s);
	if (broken_off)
		refuse(s);
}

bool vf_serprog_deadline(const vf_serprog *s, uint32_t *at_us)
{
	uint32_t since, span;
	if (patience(s, &since, &span)) {
		*at_us = since + span;
		return true;
	}
	*at_us = s->heard + VF_SERPROG_COMMAND_US;
	return vf_serprog_holds(s);
}
