import fc from "fast-check";

/**
 * fast-check with the same samples at every run: a tier that fails now and then tells nobody what broke it.
 * `AFTERLOG_SEED` (a whole number) takes others.
 */
fc.configureGlobal({ seed: Number(process.env.AFTERLOG_SEED ?? 1) });

export default fc;
