import { describe, expect, test } from "vitest";
import { NewestWins, type Clock } from "../../src/turns/newest-wins.ts";

/** A clock that tests turn by hand. */
class FakeClock implements Clock {
  #time = 0;
  #timers: { readonly at: number; readonly act: () => void }[] = [];

  now = (): number => this.#time;

  after = (milliseconds: number, act: () => void): (() => void) => {
    const timer = { at: this.#time + milliseconds, act };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };

  get pending(): number {
    return this.#timers.length;
  }

  advance(milliseconds: number): void {
    this.#time += milliseconds;
    const due = this.#timers.filter((timer) => timer.at <= this.#time);
    this.#timers = this.#timers.filter((timer) => timer.at > this.#time);
    for (const timer of due) timer.act();
  }
}

/** An engine whose runs end when the test says so. */
class FakeEngine {
  readonly started: number[] = [];
  readonly #ends: ((error?: Error) => void)[] = [];
  inFlight = 0;
  mostInFlight = 0;

  run = (frame: number): Promise<string> => {
    this.started.push(frame);
    this.inFlight++;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    return new Promise((resolve, reject) => {
      this.#ends.push((error) => {
        this.inFlight--;
        if (error) reject(error);
        else resolve(`answer ${frame}`);
      });
    });
  };

  async end(error?: Error): Promise<void> {
    this.#ends.shift()?.(error);
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function setUp(interval = 0) {
  const clock = new FakeClock();
  const engine = new FakeEngine();
  const results: string[] = [];
  const latencies: number[] = [];
  const errors: string[] = [];
  const loop = new NewestWins<number, string>({
    run: engine.run,
    onResult: (result, _frame, latency) => {
      results.push(result);
      latencies.push(latency);
    },
    onError: (error, offer) => errors.push(`${String(error)} at ${offer ?? "no offer"}`),
    interval: () => interval,
    clock,
  });
  return { clock, engine, results, latencies, errors, loop };
}

/** With an answer every 500 at most: the first took 200, and the second is asked for. */
async function setUpAfterSlowAnswer() {
  const made = setUp(500);
  made.loop.offer(() => 1);
  made.clock.advance(200);
  await made.engine.end();
  made.loop.offer(() => 2);
  made.clock.advance(300);
  return made;
}

describe("the newest wins:", () => {
  test("has one run in flight, and the newest frame wins", async () => {
    const { engine, loop, results } = setUp();
    for (let frame = 0; frame < 10; frame++) loop.offer(() => frame);
    expect(engine.started).toEqual([0]);
    await engine.end();
    expect(engine.started).toEqual([0, 9]);
    await engine.end();
    expect(engine.started).toEqual([0, 9]);
    expect(results).toEqual(["answer 0", "answer 9"]);
    expect(engine.mostInFlight).toBe(1);
  });

  test("grabs a frame when its turn comes, not when it is offered", async () => {
    const { engine, loop } = setUp();
    let now = 1;
    loop.offer(() => now);
    loop.offer(() => now);
    now = 7;
    await engine.end();
    expect(engine.started).toEqual([1, 7]);
  });

  test("keeps the interval between starts, and runs the last offer even if no other follows", async () => {
    const { clock, engine, loop } = setUp(500);
    loop.offer(() => 1);
    clock.advance(20);
    await engine.end();
    loop.offer(() => 2);
    loop.offer(() => 3);
    expect(clock.pending).toBe(1);
    clock.advance(479);
    expect(engine.started).toEqual([1]);
    clock.advance(1);
    expect(engine.started).toEqual([1, 3]);
  });

  test("holds back an answer that comes early after a slow one, and is late no more", async () => {
    const { clock, engine, loop, results } = await setUpAfterSlowAnswer();
    expect(engine.started).toEqual([1, 2]);
    clock.advance(50);
    await engine.end();
    expect(results).toEqual(["answer 1"]);
    clock.advance(150);
    await engine.end();
    expect(results).toEqual(["answer 1", "answer 2"]);
    // 500 after the last answer, less the 50 that a run takes now.
    loop.offer(() => 3);
    clock.advance(449);
    expect(engine.started).toEqual([1, 2]);
    clock.advance(1);
    expect(engine.started).toEqual([1, 2, 3]);
  });

  test("says nothing more of an answer that is held back when it is stopped", async () => {
    const { clock, engine, loop, results } = await setUpAfterSlowAnswer();
    await engine.end();
    expect(loop.busy).toBe(true);
    loop.stop();
    await loop.idle();
    expect(loop.busy).toBe(false);
    expect(clock.pending).toBe(0);
    expect(results).toEqual(["answer 1"]);
  });

  test("measures from grabbing the frame to having its answer", async () => {
    const { clock, engine, loop, latencies } = setUp();
    loop.offer(() => 1);
    clock.advance(31);
    await engine.end();
    expect(latencies).toEqual([31]);
  });

  test("starts nothing while paused and goes on with the newest offer", async () => {
    const { engine, loop, results } = setUp();
    loop.offer(() => 1);
    loop.pause();
    loop.offer(() => 2);
    await engine.end();
    expect(results).toEqual(["answer 1"]);
    expect(engine.started).toEqual([1]);
    await loop.idle();
    loop.resume();
    expect(engine.started).toEqual([1, 2]);
  });

  test("tells of a failed run or grab and goes on", async () => {
    const { engine, loop, errors, results } = setUp();
    loop.offer(() => 1);
    loop.offer(() => 2);
    await engine.end(new Error("lost the device"));
    loop.offer(() => {
      throw new Error("no picture yet");
    });
    await engine.end();
    await engine.end();
    loop.offer(() => 4);
    await engine.end();
    expect(errors).toEqual(["Error: lost the device at 1", "Error: no picture yet at no offer"]);
    expect(results).toEqual(["answer 2", "answer 4"]);
  });

  test("answers nothing after it was stopped", async () => {
    const { engine, loop, results } = setUp();
    loop.offer(() => 1);
    loop.stop();
    loop.offer(() => 2);
    await engine.end();
    await loop.idle();
    expect(results).toEqual([]);
    expect(engine.started).toEqual([1]);
  });

  test("is idle once the last offer was answered", async () => {
    const { engine, loop, results } = setUp();
    loop.offer(() => 1);
    loop.offer(() => 2);
    let idle = false;
    const waiting = loop.idle().then(() => (idle = true));
    await engine.end();
    expect(idle).toBe(false);
    await engine.end();
    await waiting;
    expect(results).toHaveLength(2);
  });
});
