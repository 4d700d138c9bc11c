import Storage

extension Tokenizer {
    /// Encodes many texts in parallel into flat arrays, which is faster than making an ``Encoding`` of each.
    ///
    /// The parameters are those of
    /// ``encode(batch:addSpecialTokens:maxLength:truncation:truncationSide:threads:)-([TextPair],_,_,_,_,_)``, and so are
    /// the tokens and the errors.
    public func encodeFlat(
        batch: [TextPair], addSpecialTokens: Bool = true, maxLength: Int? = nil,
        truncation: TruncationStrategy = .longestFirst, truncationSide: Side? = nil, threads: Int? = nil
    ) throws -> FlatEncoding {
        let request = request(addSpecialTokens, maxLength, truncation, truncationSide)
        return try encodeFlat(batch, request, threads: threads)
    }

    /// Encodes many single texts in parallel into flat arrays;
    /// see ``encodeFlat(batch:addSpecialTokens:maxLength:truncation:truncationSide:threads:)-([TextPair],_,_,_,_,_)``.
    public func encodeFlat(
        batch: [String], addSpecialTokens: Bool = true, maxLength: Int? = nil,
        truncation: TruncationStrategy = .longestFirst, truncationSide: Side? = nil, threads: Int? = nil
    ) throws -> FlatEncoding {
        let request = request(addSpecialTokens, maxLength, truncation, truncationSide)
        return try encodeFlat(batch, request, threads: threads)
    }

    private func encodeFlat<Input: EncodeInput>(_ batch: [Input], _ request: EncodeRequest, threads: Int?)
        throws
        -> FlatEncoding
    {
        let threads = max(1, threads ?? Processors.activeCount)
        let ranges = ParallelChunks.ranges(of: batch, threads: threads) {
            $0.text.utf8.count + ($0.pair?.utf8.count ?? 0)
        }
        let isOfOneType =
            request.template(isPair: false).isOfOneType
            && (request.template(isPair: true).isOfOneType || batch.allSatisfy { $0.pair == nil })
        let parts = try ParallelChunks.map(ranges, threads: threads, workspaces: workspaces) {
            range, workspace in
            let part = FlatPart(needsTypeIDs: !isOfOneType)
            for index in range {
                let input = batch[index]
                let kept: (first: Range<Int>, second: Range<Int>)
                do {
                    kept = try tokenize(input.text, input.pair, request, workspace)
                } catch {
                    throw TokenizerError.of(text: index, error)
                }
                part.append(workspace, kept, request.template(isPair: input.pair != nil))
            }
            return part
        }
        return FlatPart.joined(parts, textCount: batch.count, isOfOneType: isOfOneType)
    }
}

/// The encodings that one thread makes; handed over when the thread is done.
private final class FlatPart: @unchecked Sendable {
    private let ids = TokenBuffer(capacity: 1 << 16)
    private let typeIDs: TokenBuffer?
    /// The end of each text in ``ids``.
    private let ends = GrowingBuffer<Int>()
    /// The number of texts that were truncated.
    private var cutCount = 0

    init(needsTypeIDs: Bool) {
        typeIDs = needsTypeIDs ? TokenBuffer(capacity: 1 << 16) : nil
    }

    /// Appends a text's tokens as the template says.
    func append(
        _ workspace: EncodeWorkspace, _ kept: (first: Range<Int>, second: Range<Int>),
        _ template: EncodeRequest.Template
    ) {
        if kept.first.count < workspace.first.count || kept.second.count < workspace.second.count {
            cutCount += 1
        }
        for piece in template.pieces {
            let before = ids.count
            switch piece.content {
            case .special(let id): ids.append(id)
            case .first:
                ids.append(workspace.first.start + kept.first.lowerBound, count: kept.first.count)
            case .second:
                ids.append(workspace.second.start + kept.second.lowerBound, count: kept.second.count)
            }
            guard let typeIDs else { continue }
            let count = ids.count - before
            typeIDs.reserve(count)
            (typeIDs.start + typeIDs.count).update(repeating: piece.typeID, count: count)
            typeIDs.count += count
        }
        ends.append(ids.count)
    }

    static func joined(_ parts: [FlatPart], textCount: Int, isOfOneType: Bool) -> FlatEncoding {
        let total = parts.reduce(0) { $0 + $1.ids.count }
        let offsets = [Int](unsafeUninitializedCapacity: textCount + 1) { offsets, count in
            offsets[0] = 0
            count = 1
            for part in parts {
                let start = offsets[count - 1]
                for end in part.ends.elements {
                    offsets[count] = start &+ end
                    count &+= 1
                }
            }
        }
        let typeIDs =
            isOfOneType
            ? [Int32](repeating: 0, count: total) : joined(parts.compactMap(\.typeIDs), total: total)
        var encoding = FlatEncoding(
            ids: joined(parts.map(\.ids), total: total), typeIDs: typeIDs, offsets: offsets)
        encoding.cutCount = parts.reduce(0) { $0 + $1.cutCount }
        return encoding
    }

    private static func joined(_ buffers: [TokenBuffer], total: Int) -> [Int32] {
        [Int32](unsafeUninitializedCapacity: total) { elements, count in
            for buffer in buffers {
                guard let start = elements.baseAddress else { break }
                (start + count).update(from: buffer.start, count: buffer.count)
                count += buffer.count
            }
        }
    }
}
