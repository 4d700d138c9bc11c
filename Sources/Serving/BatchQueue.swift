/// One input of a request, waiting for the inference thread.
struct BatchJob {
    let submission: Submission
    /// Its place among the request's inputs.
    let index: Int
    let input: ServedModel.Input
}

/// The inputs that wait, in the order of their arrival, a queue for each model.
struct BatchQueue {
    private struct Line {
        let model: ServedModel
        var jobs: [(number: Int, job: BatchJob)] = []
        /// The jobs before it are taken.
        var head = 0
        var first: (number: Int, job: BatchJob)? { head < jobs.count ? jobs[head] : nil }

        mutating func removeFirst() {
            head += 1
            // The room of what was taken is given back once it is more than half.
            if head * 2 > jobs.count, head > 64 || head == jobs.count {
                jobs.removeFirst(head)
                head = 0
            }
        }
    }

    private var lines: [Line] = []
    private var nextNumber = 0
    private(set) var count = 0

    mutating func append(_ jobs: [BatchJob], for model: ServedModel) {
        let line =
            lines.firstIndex { $0.model === model }
            ?? {
                lines.append(Line(model: model))
                return lines.count - 1
            }()
        for job in jobs {
            lines[line].jobs.append((nextNumber, job))
            nextNumber += 1
        }
        count += jobs.count
    }

    /// Takes the input that waits longest, and of those for the same model as many as fit into a number of tokens.
    ///
    /// - Parameters:
    ///   - maxTokens: The tokens of a batch; a single input may have more.
    ///   - now: The time; inputs whose deadline has passed are taken beside.
    /// - Returns: The batch, empty where nothing waits, and what came too late.
    mutating func take(maxTokens: Int, now: ContinuousClock.Instant) -> (
        model: ServedModel?, batch: [BatchJob], late: [BatchJob]
    ) {
        var (batch, late): ([BatchJob], [BatchJob]) = ([], [])
        var (model, tokens): (ServedModel?, Int) = (nil, 0)
        while model == nil, let line = oldest {
            while let job = lines[line].first?.job {
                if job.submission.deadline <= now {
                    late.append(job)
                } else {
                    let count = job.input.tokenCount
                    if !batch.isEmpty, tokens + count > maxTokens { break }
                    batch.append(job)
                    tokens += count
                    model = lines[line].model
                }
                lines[line].removeFirst()
            }
            if lines[line].first == nil { lines.remove(at: line) }
        }
        count -= batch.count + late.count
        return (model, batch, late)
    }

    /// The queue whose first input waits longest.
    private var oldest: Int? {
        lines.indices.min { (lines[$0].first?.number ?? .max) < (lines[$1].first?.number ?? .max) }
    }
}
