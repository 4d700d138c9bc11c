import Torch

/// A step that several processes compute together.
extension Trainer {
    /// Runs the last backward pass of a step, in which the gradients are summed over all processes.
    ///
    /// The losses are summed meanwhile: where one is no number, it is so in all processes, and all of them stop at this step.
    ///
    /// - Parameters:
    ///   - launched: This process's parts of the step's micro-batches.
    ///   - loss: That of the last one.
    /// - Returns: The loss of the whole step, under the name ``MetricSums/total``, and that of each term.
    /// - Throws: ``NonFiniteLossError`` where it is no number; ``ProcessLossError``.
    func reduced(
        _ launched: [LaunchedStep.MicroBatch], _ loss: Tensor, _ processes: Processes
    ) throws -> NamedValues {
        var own = NamedValues()
        own[MetricSums.total] = 0
        for microBatch in launched {
            own[MetricSums.total] = (own[MetricSums.total] ?? 0) + (try microBatch.total.item())
            for (name, value) in microBatch.terms {
                own[name] = (own[name] ?? 0) + (microBatch.fractions[name] ?? 1) * (try value.item())
            }
        }
        let sums = try Tensor(own.map(\.value))
        let exchange = try processes.group.startAllReduce(sums)
        var rows: Set<Int64> = []
        for microBatch in launched { rows.formUnion(microBatch.batch.share?.tokens ?? []) }
        try reducer?.reduce(rows: rows.sorted()) { try loss.backward() }
        try exchange.wait()
        let values: [Double] = try sums.array()
        var whole = NamedValues()
        for (name, value) in zip(own.names, values) { whole[name] = value }
        guard values[0].isFinite else {
            for microBatch in launched {
                try requireFinite(loss: microBatch.total.item(), microBatch, own, step, epoch)
            }
            throw notFinite("the loss is \(values[0]) in another process", step, epoch)
        }
        return whole
    }

    /// The number of steps whose sums wait for an exchange at most.
    static var pendingLimit: Int { 64 }

    /// Adds what all processes have measured since the last time, step by step in the processes' order: the sums are the same in
    /// all of them, whenever they are exchanged.
    func exchangeSums() throws {
        guard let processes else { return }
        let all = try processes.gather(pending)
        for step in pending.indices {
            for process in all where step < process.count {
                sums.merge(process[step])
                meter.merge(process[step])
            }
        }
        pending = []
    }
}

extension MetricSums {
    /// The name of the weighted sum of all terms, which no term has.
    static let total = ""

    /// The sums of one step, of which only the losses are known.
    init(step: NamedValues, examples: Int) {
        self.init()
        var terms = NamedValues()
        for (name, value) in step where name != Self.total { terms[name] = value }
        add(terms, total: step[Self.total] ?? 0, count: examples, of: examples)
    }
}
