/* Commands that speak to a board: each fills a job, hands it to the client and
 * says what came out. read is in read.c. */
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "run.h"

int cli_info(const cli_options *o)
{
	cli_run r;
	if (cli_run_begin(&r, o, VF_JOB_INFO) == VF_OK && cli_run_do(&r) == VF_OK) {
		cli_print_board(o, r.port, &r.board, &r.result);
		cJSON_AddItemToObject(r.json, "info", cli_board_json(r.port, &r.board, &r.result));
	}
	return cli_run_end(&r);
}

/* --- program, erase --------------------------------------------------------- */

/* Adds ", SIZE words" unless there is nothing of it. */
static void add_part(char *line, size_t room, uint64_t bytes, const char *words)
{
	char size[16];
	size_t at = strlen(line);
	if (bytes != 0)
		(void)snprintf(line + at, room - at, "%s%s %s", at == 0 ? "" : ", ",
			       cli_size(size, bytes), words);
}

/* "programmed 200 KB in 2.5 s (204 KB erased, …); all of it was read back …" */
static void say_changed(const cli_run *r, const char *what, const char *of)
{
	const vf_job_result *s = &r->result;
	char all[16], time[24], parts[200] = "";
	(void)cli_size(all, s->image_bytes);
	(void)cli_time(time, s->elapsed_us);
	if (s->nothing_to_do && r->job.image != NULL) {
		cli_say(r->o, "nothing to do: the flash holds all %s already (compared in %s)", all,
			time);
		return;
	}
	if (s->nothing_to_do) {
		cli_say(r->o, "nothing to do: %s%s is erased already (compared in %s)", all, of,
			time);
		return;
	}
	add_part(parts, sizeof parts, s->same_bytes, "left as they were");
	add_part(parts, sizeof parts, s->erased_bytes, "erased");
	add_part(parts, sizeof parts, s->programmed_bytes, "written");
	add_part(parts, sizeof parts, s->kept_bytes, "of it kept from before");
	add_part(parts, sizeof parts, s->saved_bytes, "saved on the line by compression");
	cli_say(r->o, "%s %s%s in %s (%s); all of it was read back and compared", what, all, of,
		time, parts);
}

/* With warnings a person is asked first. */
static bool go_ahead(cli_run *r)
{
	if (cli_warn(r->o, &r->image) == 0 || r->o->dry_run ||
	    cli_confirm(r->o, "Program it all the same?"))
		return true;
	(void)vf_fail(&r->error, VF_E_INTERRUPTED, "nothing was changed");
	return false;
}

int cli_program(const cli_options *o)
{
	cli_run r;
	if (cli_run_begin(&r, o, VF_JOB_PROGRAM) != VF_OK ||
	    cli_load(&r.image, o, &r.error) != VF_OK)
		return cli_run_end(&r);
	r.has_image = true;
	r.job.image = &r.image;
	r.job.full = o->full;
	r.job.dry_run = o->dry_run;
	r.job.discard = o->discard;
	r.job.verify_full = o->verify_full;
	r.job.run_after = o->run;
	r.job.compress = o->compress;
	if (go_ahead(&r) && cli_run_do(&r) == VF_OK) {
		if (o->dry_run)
			cli_say(o, "a dry run: nothing was changed");
		else
			say_changed(&r, "programmed", "");
		if (o->run && !o->dry_run)
			cli_say(o, "the application was started");
	}
	cli_run_figures(&r);
	return cli_run_end(&r);
}

/* erase --chip means the external flash, whatever else the board has: the first
 * external memory, which is what an offset of 0 names. */
int cli_erase(const cli_options *o)
{
	cli_run r;
	char of[VF_MEMORY_NAME_MAX + 24] = "";
	int status = cli_run_begin(&r, o, o->chip ? VF_JOB_ERASE_CHIP : VF_JOB_ERASE);
	if (status == VF_OK && !o->chip)
		status = cli_run_range(&r, o->args[0], o->args[1]);
	r.job.discard = o->discard;
	if (status == VF_OK && o->chip && !cli_confirm(o, "Erase the whole external flash?"))
		status = vf_fail(&r.error, VF_E_INTERRUPTED, "nothing was changed");
	if (status == VF_OK && cli_run_do(&r) == VF_OK) {
		(void)snprintf(of, sizeof of, " of %s", r.board.memory[r.memory].name);
		say_changed(&r, "erased", of);
	}
	cli_run_figures(&r);
	return cli_run_end(&r);
}

/* --- the others ------------------------------------------------------------- */

int cli_verify(const cli_options *o)
{
	cli_run r;
	if (cli_run_begin(&r, o, VF_JOB_VERIFY) != VF_OK ||
	    cli_load(&r.image, o, &r.error) != VF_OK)
		return cli_run_end(&r);
	r.has_image = true;
	r.job.image = &r.image;
	r.job.verify_full = o->verify_full;
	if (cli_run_do(&r) == VF_OK) {
		char size[16], time[24];
		cli_say(o, "the flash holds all %s of it (compared in %s)",
			cli_size(size, r.result.image_bytes), cli_time(time, r.result.elapsed_us));
	}
	cli_run_figures(&r);
	return cli_run_end(&r);
}

int cli_digest(const cli_options *o)
{
	cli_run r;
	if (cli_run_begin(&r, o, VF_JOB_DIGEST) == VF_OK &&
	    cli_run_range(&r, o->args[0], o->args[1]) == VF_OK && cli_run_do(&r) == VF_OK) {
		char text[2 * VF_SHA256_SIZE + 1];
		for (unsigned i = 0; i < VF_SHA256_SIZE; i++)
			(void)snprintf(text + 2 * (size_t)i, 3, "%02x", r.result.sha256[i]);
		cli_print(o, "%s", text);
		cJSON_AddStringToObject(r.json, "sha256", text);
	}
	return cli_run_end(&r);
}

int cli_start(const cli_options *o)
{
	cli_run r;
	uint64_t address = 0;
	int status = cli_run_begin(&r, o, VF_JOB_RUN);
	r.job.has_address = o->arg_count == 1;
	if (status == VF_OK && r.job.has_address &&
	    !vf_client_number(o->args[0], UINT32_MAX, &address))
		status = vf_fail(&r.error, VF_E_USAGE,
				 "'%s' is no address (such as 0x90000000 or 64K)", o->args[0]);
	r.job.address = (uint32_t)address;
	if (status == VF_OK && cli_run_do(&r) == VF_OK)
		cli_say(o, "the application was started");
	return cli_run_end(&r);
}
