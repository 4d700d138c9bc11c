/// Modules for a model that is to be trained.
extension SentenceTransformer {
    /// An encoder whose tokens' vectors are pooled, without files of its own yet.
    ///
    /// - Parameters:
    ///   - modes: How the vectors become one.
    ///   - width: The width of a token's vector.
    ///   - normalizes: True to divide the result by its Euclidean length.
    public init(pooling modes: [PoolingMode], width: Int, normalizes: Bool) {
        self.init(
            path: "", source: .encoder(""),
            stages: [.pooling(modes, width: width, includesPrompt: true)] + (normalizes ? [.normalize] : []))
    }

    /// A table of vectors by token, in a directory without modules: its vectors have the length 1, as model2vec's.
    public init(table directory: String) {
        self.init(path: directory, source: .table(directory), stages: [.normalize])
    }

    package init(path: String, source: Source, stages: [Stage]) {
        (self.path, self.source, self.stages) = (path, source, stages)
        (maxLength, lowercases, prompts, defaultPrompt) = (nil, false, [:], nil)
    }

    /// The width of a token's vector; `nil` without a pooling.
    public var tokenWidth: Int? {
        stages.lazy.compactMap { if case .pooling(_, let width, _) = $0 { width } else { nil } }.first
    }

    /// The components of a text's vector behind the pooling, of tokens' vectors of some width.
    public func pooledWidth(_ width: Int) -> Int {
        stages.lazy.compactMap { if case .pooling(let modes, _, _) = $0 { modes.count * width } else { nil } }
            .first
            ?? width
    }

    /// True if a text's vector has the length 1.
    public var normalizes: Bool { stages.last == .normalize }

    /// The same modules for vectors of tokens of another width, with as many components at the end.
    ///
    /// Dense layers that no longer fit are left out; one without bias and activation leads to the wanted number of components where
    /// the pooled vectors have another.
    ///
    /// - Parameters:
    ///   - width: The width of a token's vector.
    ///   - outputs: The components of a text's vector.
    public func resized(width: Int, outputs: Int) -> SentenceTransformer {
        var resized = self
        // Of a table a text's vector is there before any module.
        var (pooled, fits) = (isTable ? width : 0, true)
        var stages: [Stage] = []
        for stage in self.stages {
            switch stage {
            case .pooling(let modes, let own, let includesPrompt):
                stages.append(.pooling(modes, width: width, includesPrompt: includesPrompt))
                (pooled, fits) = (modes.count * width, own == width)
            case .dense(let dense):
                if fits, dense.inputs == pooled {
                    stages.append(stage)
                    pooled = dense.outputs
                }
            case .normalize: stages.append(.normalize)
            }
        }
        if pooled != outputs {
            let place = stages.lastIndex(of: .normalize) ?? stages.count
            stages.insert(
                .dense(.init(inputs: pooled, outputs: outputs, hasBias: false, activation: nil, path: "")),
                at: place)
        }
        resized.stages = stages
        return resized
    }
}
