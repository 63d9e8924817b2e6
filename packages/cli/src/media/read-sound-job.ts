/** A file with sound -> its samples. */

import { AudioSampleSink, type AudioSample } from "mediabunny";
import type { Answered, ReadSoundJob } from "./jobs.ts";
import { openInput } from "./open-input.ts";

/** An answer of this job, and the samples that belong to it. */
export interface SoundAnswer {
  readonly head: Extract<Answered, { is: "sound" | "samples" | "end" }>;
  readonly body?: Uint8Array;
}

/** Gives `sound`, `samples` as often as there are some, and `end`. @throws Error if it cannot be read */
export async function* readSound({
  path,
}: Omit<ReadSoundJob, "do">): AsyncGenerator<SoundAnswer, void, undefined> {
  const input = openInput(path);
  try {
    const track = await input.getPrimaryAudioTrack();
    if (!track) throw new Error("it holds no sound");
    if (!(await track.canDecode()))
      throw new Error(`nothing here decodes its sound (${(await track.getCodec()) ?? "of an unknown kind"})`);
    let rate: number | undefined;
    let channels = 0;
    for await (const sample of new AudioSampleSink(track).samples()) {
      try {
        if (rate === undefined) {
          ({ sampleRate: rate, numberOfChannels: channels } = sample);
          yield { head: { is: "sound", rate, channels } };
        }
        if (sample.sampleRate !== rate || sample.numberOfChannels !== channels)
          throw new Error("its rate or number of channels changes on the way");
        yield { head: { is: "samples" }, body: planesOf(sample) };
      } finally {
        sample.close();
      }
    }
    if (rate === undefined) throw new Error("it holds no samples");
    yield { head: { is: "end" } };
  } finally {
    input.dispose();
  }
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
