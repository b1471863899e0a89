import type { Head, Position, RevocationEvent } from '@portcullis/schemas'
import type { Instant } from '../clock.ts'

/** `covered`: everything up to that head is held. `behind`: not all; read on, or all again. `refused`: no head of this log. */
export type Outcome = 'covered' | 'behind' | 'refused'

/** The replica that a reader reads for. */
export interface ReaderTarget {
  epoch(): number
  /** How often the replica was cleared. */
  clears(): number
  /** Takes an event in; false if there is no room. */
  merge(event: RevocationEvent): boolean
  /** Hears of a head that is plausible, whether it is reached or not. */
  hear(head: Head): void
  /** All up to here is held; with `asOf`, that was all there was at that moment. */
  reach(position: Position, asOf?: Instant): void
}

/** What was read of an epoch's log without a gap, since its front was last read. */
interface Run {
  from: number
  epoch: number
  to: number
}

/**
 * One path by which the log comes in. Knows what it has read without a gap, and so which heads it has reached.
 * Several readers may feed one replica: what they bring is merged.
 */
export class LogReader {
  readonly #target: ReaderTarget
  #run: Run | undefined
  /** The epoch whose head the run has reached; in it, the end of the run is a position. */
  #settled: number | undefined
  #clears: number

  constructor(target: ReaderTarget) {
    this.#target = target
    this.#clears = target.clears()
  }

  /** To be called before the log is read again from its front. What the replica holds stays. */
  reload(): void {
    this.#run = undefined
    this.#settled = undefined
  }

  /**
   * Merges events, in the order of the log.
   *
   * @returns false if one of them does not follow the one before it, or there is no room: the log has to be
   * read again from its front. The events are merged even so, as far as there is room.
   */
  apply(events: readonly RevocationEvent[]): boolean {
    this.#restartIfCleared()
    let whole = true
    for (const event of events) {
      if (!this.#target.merge(event)) {
        whole = false
        break
      }
      whole = this.#extend(event) && whole
    }
    this.#reach()
    return whole
  }

  /**
   * Hears what the head of the log is, or was at `asOf`. If all up to it has been read, the replica's age
   * counts from `asOf`; a newer epoch kills the tokens of older ones at once.
   */
  advance(head: Head, asOf?: Instant): Outcome {
    if (head.base > head.seq || head.epoch < this.#target.epoch()) return 'refused'
    this.#target.hear(head)
    this.#restartIfCleared()
    if (!this.#covers(head)) return 'behind'
    this.#settled = head.epoch
    if (!this.#run || this.#run.epoch < head.epoch)
      this.#run = { from: head.seq + 1, epoch: head.epoch, to: head.seq }
    this.#reach(asOf)
    return 'covered'
  }

  /** A replica that was cleared has lost what this reader had read: begin again. */
  #restartIfCleared(): void {
    const clears = this.#target.clears()
    if (this.#clears === clears) return
    this.#clears = clears
    this.reload()
  }

  #extend(event: RevocationEvent): boolean {
    const run = this.#run
    // An epoch begins with an empty log, and may use places again that an older one had used.
    if (!run || event.epoch > run.epoch) {
      this.#run = { from: event.seq, epoch: event.epoch, to: event.seq }
      return true
    }
    // What is older than the run says nothing about its end; it has been merged, and that is all.
    if (event.epoch < run.epoch) return true
    if (event.seq > run.to + 1) return false
    run.to = Math.max(run.to, event.seq)
    return true
  }

  /** What was read of an older epoch covers nothing of this one. */
  #covers(head: Head): boolean {
    const run = this.#run
    if (!run || run.epoch < head.epoch) return head.base === head.seq
    return run.epoch === head.epoch && run.from <= head.base + 1 && run.to >= head.seq
  }

  #reach(asOf?: Instant): void {
    const run = this.#run
    if (run && run.epoch === this.#settled) this.#target.reach({ epoch: run.epoch, seq: run.to }, asOf)
  }
}
