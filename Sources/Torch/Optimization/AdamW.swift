import CTorch

/// AdamW (Loshchilov and Hutter, arXiv 1711.05101), as `torch.optim.AdamW`.
///
/// A parameter that a loss does not reach has no gradient; it is passed over, and its steps are not counted.
///
/// A table whose gradient is sparse, such as word embeddings on packed input, is updated row by row: a row goes through
/// the steps in which it had no gradient only when it is read again (``prepare(rows:)``, ``synchronize()``). The result
/// is that of updating every row in every step, without reading the whole table each time.
public final class AdamW {
    /// Parameters that share a weight decay and a learning rate.
    public struct Group {
        public let parameters: [ParameterStore.Entry]
        public let weightDecay: Double
        /// The factor by which a step's learning rate is multiplied.
        public let learningRateScale: Double

        public init(
            parameters: [ParameterStore.Entry], weightDecay: Double, learningRateScale: Double = 1
        ) {
            self.parameters = parameters
            self.weightDecay = weightDecay
            self.learningRateScale = learningRateScale
        }
    }

    /// The optimizer's state between steps, by parameter name.
    public struct State {
        public var step: Int
        /// The steps in which each parameter had a gradient.
        public var steps: [String: Int]
        public var firstMoments: [String: Tensor]
        public var secondMoments: [String: Tensor]

        public init(
            step: Int, steps: [String: Int], firstMoments: [String: Tensor], secondMoments: [String: Tensor]
        ) {
            self.step = step
            self.steps = steps
            self.firstMoments = firstMoments
            self.secondMoments = secondMoments
        }
    }

    public let groups: [Group]
    public let beta1: Double
    public let beta2: Double
    public let epsilon: Double
    public internal(set) var step = 0

    /// Float32; in 8 bits where there are scales.
    let firstMoments: [[Tensor]]
    let secondMoments: [[Tensor]]
    /// The scales of moments in 8 bits.
    let scales: [[MomentScales?]]
    /// The steps of each parameter.
    var steps: [[Int]]
    var tables: [SparseTable]
    /// A scalar on the device, 1 from the first step on that must not count
    /// (``stepWithoutWaiting(learningRate:maxNorm:losses:)``).
    var skips: Tensor?

    /// A table that is updated row by row.
    struct SparseTable {
        let group: Int
        let place: Int
        /// (rows) int32: how many steps each row has seen.
        let rowSteps: Tensor
        /// The learning rate of each step since ``restore(_:)``; zeros before it, on which no row has to catch up.
        var learningRates: [Double] = []
    }

    /// - Parameters:
    ///   - groups: All parameters that are trained.
    ///   - beta1: The fraction of the first moment that each step keeps.
    ///   - beta2: The fraction of the second moment that each step keeps.
    ///   - epsilon: The term added to the root of the second moment.
    ///   - sparseTables: Parameters (rows, width) whose gradients are sparse.
    ///   - moments: How moments are kept.
    /// - Throws: ``TorchError`` where memory is short.
    public init(
        _ groups: [Group], beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        sparseTables: [Tensor] = [], moments: MomentPrecision = .float32
    ) throws {
        self.groups = groups
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        scales = try groups.map {
            try $0.parameters.map { entry in
                let isSparse = sparseTables.contains { $0 === entry.tensor }
                return isSparse ? nil : try moments.scales(for: entry.tensor)
            }
        }
        func zeros(_ scales: [[MomentScales?]]) throws -> [[Tensor]] {
            try zip(groups, scales).map { group, scales in
                try zip(group.parameters, scales).map { entry, scales in
                    try scales == nil
                        ? entry.tensor.zerosLike() : .zeros(entry.tensor.shape, dtype: .int8)
                }
            }
        }
        firstMoments = try zeros(scales)
        secondMoments = try zeros(scales)
        steps = groups.map { [Int](repeating: 0, count: $0.parameters.count) }
        var tables: [SparseTable] = []
        for (index, group) in groups.enumerated() {
            for (place, entry) in group.parameters.enumerated()
            where sparseTables.contains(where: { $0 === entry.tensor }) {
                let steps = try Tensor.zeros([entry.tensor.size(0)], dtype: .int32)
                tables.append(SparseTable(group: index, place: place, rowSteps: steps))
            }
        }
        self.tables = tables
    }

    /// The parameters of all groups.
    public var parameters: [Tensor] { groups.flatMap { $0.parameters.map(\.tensor) } }

    /// Updates every parameter that has a gradient.
    ///
    /// - Throws: ``TorchError`` where no parameter has one; nothing has changed then.
    public func step(learningRate: Double) throws { try step(learningRate: learningRate, guarded: nil) }

    /// Updates every parameter that has a gradient, without waiting for the device: gradients are clipped there, and from
    /// the first step on in which a loss, or the gradients' norm, is not finite, nothing is changed any more.
    ///
    /// - Parameters:
    ///   - learningRate: The step's.
    ///   - maxNorm: The maximum of the gradients' joint norm; may be infinite.
    ///   - losses: Scalars.
    /// - Returns: The norm before clipping: a scalar.
    /// - Throws: ``TorchError`` where no parameter has a gradient.
    public func stepWithoutWaiting(learningRate: Double, maxNorm: Double, losses: [Tensor]) throws -> Tensor {
        guard tables.isEmpty else {
            throw TorchError("adamw_: a step that waits for nothing takes no sparse tables")
        }
        let withGradient = parameters.filter(\.hasGradient)
        guard let first = withGradient.first else {
            throw TorchError("adamw_: no parameter has a gradient; call backward first")
        }
        let skips = try skips ?? Tensor.zeros([], device: first.device)
        self.skips = skips
        var (norm, scale): (ct_tensor?, ct_tensor?) = (nil, nil)
        try Tensor.withHandles(withGradient) { parameters, count in
            try Tensor.withHandles(losses) { losses, lossCount in
                try check(
                    ct_measure_gradients(
                        parameters, count, maxNorm, losses, lossCount, skips.handle, &norm, &scale))
            }
        }
        guard let norm else { throw TorchError(kind: .internal, "an operation returned no tensor") }
        let result = Tensor(owning: norm)
        try step(learningRate: learningRate, guarded: (scale.map { Tensor(owning: $0) }, skips))
        return result
    }

    private func step(learningRate: Double, guarded: (scale: Tensor?, skips: Tensor)?) throws {
        guard parameters.contains(where: \.hasGradient) else {
            throw TorchError("adamw_: no parameter has a gradient; call backward first")
        }
        step += 1
        for (index, group) in groups.enumerated() {
            let rate = learningRate * group.learningRateScale
            // Parameters that have seen as many steps go together: nearly always all of them.
            var places: [Int: [Int]] = [:]
            let sparse = Set(tables.lazy.filter { $0.group == index }.map(\.place))
            for (place, entry) in group.parameters.enumerated()
            where entry.tensor.hasGradient && !sparse.contains(place) {
                steps[index][place] += 1
                places[steps[index][place], default: []].append(place)
            }
            for (count, places) in places.sorted(by: { $0.key < $1.key }) {
                let options = options(index, rate, count)
                for place in places where scales[index][place] != nil {
                    try updateIn8Bits(index, place, options, isGuarded: guarded != nil)
                }
                let whole = places.filter { scales[index][$0] == nil }
                if !whole.isEmpty { try update(index, whole, options, guarded) }
            }
        }
        for place in tables.indices { try updateTable(place, learningRate) }
    }

    private func update(
        _ group: Int, _ places: [Int], _ options: ct_adamw_options,
        _ guarded: (scale: Tensor?, skips: Tensor)?
    ) throws {
        try Tensor.withHandles(places.map { groups[group].parameters[$0].tensor }) { parameters, count in
            try Tensor.withHandles(places.map { firstMoments[group][$0] }) { first, _ in
                try Tensor.withHandles(places.map { secondMoments[group][$0] }) { second, _ in
                    try check(
                        ct_adamw_(
                            parameters, first, second, count, options, guarded?.scale?.handle,
                            guarded?.skips.handle))
                }
            }
        }
    }

    private func updateTable(_ place: Int, _ learningRate: Double) throws {
        let (group, parameter) = (tables[place].group, tables[place].place)
        guard groups[group].parameters[parameter].tensor.hasGradient else { return }
        let rate = learningRate * groups[group].learningRateScale
        steps[group][parameter] += 1
        tables[place].learningRates.append(rate)
        let table = tables[place]
        try withTable(table) { parameter, first, second in
            try check(
                ct_adamw_rows_(
                    parameter, first, second, table.rowSteps.handle, table.learningRates,
                    options(group, rate, table.learningRates.count)))
        }
    }

    /// Brings the rows of sparse tables that a batch will read up to date.
    ///
    /// - Parameter rows: Their numbers, in any order, repeated or not.
    /// - Throws: ``TorchError`` where a table has no such row.
    public func prepare(rows: [Int32]) throws {
        guard !tables.isEmpty else { return }
        try catchUp(Tensor(rows))
    }

    /// Brings all rows of sparse tables up to date: before parameters are read, copied or saved.
    public func synchronize() throws { try catchUp(nil) }

    private func catchUp(_ rows: Tensor?) throws {
        for table in tables where !table.learningRates.isEmpty {
            try withTable(table) { parameter, first, second in
                try check(
                    ct_adamw_catch_up_(
                        parameter, first, second, table.rowSteps.handle, rows?.handle, table.learningRates,
                        options(table.group, 0, table.learningRates.count)))
            }
        }
    }

    private func withTable(_ table: SparseTable, _ body: (ct_tensor, ct_tensor, ct_tensor) throws -> Void)
        rethrows
    {
        try body(
            groups[table.group].parameters[table.place].tensor.handle,
            firstMoments[table.group][table.place].handle, secondMoments[table.group][table.place].handle)
    }

    private func options(_ group: Int, _ learningRate: Double, _ step: Int) -> ct_adamw_options {
        ct_adamw_options(
            learning_rate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
            weight_decay: groups[group].weightDecay, step: Int64(step))
    }

    public func clearGradients() throws {
        for parameter in parameters { try parameter.clearGradient() }
    }

    /// Scales all gradients so that their joint norm is at most `maxNorm` (Pascanu et al., arXiv 1211.5063).
    ///
    /// - Returns: The norm before scaling; not finite where a gradient is not.
    /// - Throws: ``TorchError`` unless `maxNorm` is positive.
    @discardableResult
    public func clipGradients(maxNorm: Double) throws -> Double {
        var norm = 0.0
        try Tensor.withHandles(parameters.filter(\.hasGradient)) { handles, count in
            try check(ct_clip_grad_norm_(handles, count, maxNorm, &norm))
        }
        return norm
    }
}
