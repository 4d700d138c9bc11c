/// ``ByteLevel`` before a ``BPE``: the bytes need not become characters, if the model takes bytes.
enum ByteLevelFusion {
    static func fuse(_ preTokenizer: (any PreTokenizer)?, _ model: any Model) -> (
        (any PreTokenizer)?, any Model
    ) {
        guard let bpe = model as? BPE, let fast = bpe.takingBytes() else { return (preTokenizer, model) }
        if var last = preTokenizer as? ByteLevel {
            last.mapsBytes = false
            return (last, fast)
        }
        if var sequence = preTokenizer as? PreTokenizerSequence,
            var last = sequence.stages.last as? ByteLevel,
            !sequence.stages.dropLast().contains(where: { $0 is ByteLevel })
        {
            last.mapsBytes = false
            sequence.stages[sequence.stages.count - 1] = last
            return (sequence, fast)
        }
        return (preTokenizer, model)
    }

    static func needsOrigins(_ preTokenizer: (any PreTokenizer)?) -> Bool {
        if let sequence = preTokenizer as? PreTokenizerSequence {
            return sequence.stages.contains(where: needsOrigins)
        }
        return (preTokenizer as? Metaspace)?.scheme == .first
    }
}
