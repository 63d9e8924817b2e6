/** A file with sound -> its samples. */

import { AudioSampleSink, type AudioSample, type Input } from "mediabunny";
import type { Answered, ReadSoundJob } from "./jobs.ts";
import { withInput } from "./open-input.ts";

/** Sends `sound`, `samples` as often as there are some, and `end`. @throws Error if it cannot be read */
export const readSound = (job: Omit<ReadSoundJob, "do">, answer: Answer): Promise<void> =>
  withInput(job.path, (input) => read(input, job, answer));

type Answer = (head: Answered, body?: Uint8Array) => Promise<void>;

async function read(
  input: Input,
  { from, to }: Omit<ReadSoundJob, "do" | "path">,
  answer: Answer,
): Promise<void> {
  const track = await input.getPrimaryAudioTrack();
  if (!track) throw new Error("it holds no sound");
  if (!(await track.canDecode()))
    throw new Error(`nothing here decodes its sound (${(await track.getCodec()) ?? "of an unknown kind"})`);
  let rate: number | undefined;
  let channels = 0;
  for await (const sample of new AudioSampleSink(track).samples(from, to)) {
    try {
      if (rate === undefined) {
        ({ sampleRate: rate, numberOfChannels: channels } = sample);
        await answer({ is: "sound", rate, channels });
      }
      if (sample.sampleRate !== rate || sample.numberOfChannels !== channels)
        throw new Error("its rate or number of channels changes on the way");
      await answer({ is: "samples" }, planesOf(sample));
    } finally {
      sample.close();
    }
  }
  if (rate === undefined) throw new Error("it holds no samples");
  await answer({ is: "end" });
}

function planesOf(sample: AudioSample): Uint8Array {
  const { numberOfFrames: frames, numberOfChannels: channels } = sample;
  const planes = new Float32Array(frames * channels);
  for (let channel = 0; channel < channels; channel++) {
    const plane = planes.subarray(channel * frames, (channel + 1) * frames);
    sample.copyTo(plane, { planeIndex: channel, format: "f32-planar" });
  }
  return new Uint8Array(planes.buffer);
}
