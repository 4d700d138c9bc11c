import ChatTemplates
import Datasets
import JSON
import TestSupport
import Testing
import Tokenizers

@testable import Conversations

@Suite("Texts within a maximum length")
struct FittingTests {
    @Test("the pieces of a document hold each target once, with the token before it")
    func pieces() {
        var generator = TestSupport.SeededGenerator(seed: 5)
        for count in 2..<60 {
            let ids = (0..<Int32(count)).map { $0 }
            let mask = ids.map { _ in Bool.random(using: &generator) }
            let whole = TokenizedText(ids: ids, isTrained: mask)
            for limit in 2..<12 {
                let pieces = whole.pieces(of: limit)
                var targets: [Int32] = []
                for piece in pieces {
                    #expect(piece.count <= limit && !piece.isTrained[0])
                    for index in piece.ids.indices where piece.isTrained[index] {
                        targets.append(piece.ids[index])
                        #expect(piece.ids[index - 1] == piece.ids[index] - 1)
                    }
                }
                #expect(targets == ids.indices.filter { whole.isTrained[$0] }.map { Int32($0) })
            }
        }
    }

    private static func chat(_ question: String, _ answer: String) -> JSONValue {
        [
            "messages": [
                ["role": "user", "content": .string(question)],
                ["role": "assistant", "content": .string(answer)],
            ]
        ]
    }

    @Test("conversations are cut at the end, and dropped where no target is left")
    func conversations() throws {
        let data = Support.lines([
            Self.chat("short", "answer"), Self.chat("short", String(repeating: "answer ", count: 40)),
            Self.chat(String(repeating: "question ", count: 40), "answer"),
        ])
        let encoder = try Support.encoder("bytes", maxLength: 40)
        let (texts, survey) = try Support.read(data, encoder)
        #expect(texts.count == 2 && texts[1].count == 40)
        #expect(survey.recordCount == 3 && survey.textCount == 2 && survey.droppedCount == 1)
        #expect(survey.cutCount == 2 && survey.cutAnswerCount == 1 && survey.longPromptCount == 1)
        #expect(survey.emptyMaskCount == 0 && survey.splitCount == 0 && survey.stopFraction == 0.5)
        #expect(survey.tokenCount == texts.reduce(0) { $0 + $1.count })
        #expect(survey.trainedTokenCount == texts.reduce(0) { $0 + $1.trainedCount })
        let whole = try Support.read(data, Support.encoder("bytes"))
        #expect(whole.survey.droppedCount == 0 && whole.survey.stopFraction == 1)
        #expect(whole.survey.lengths.maximum == whole.texts.map(\.count).max())
        #expect(whole.survey.lengths.median == whole.texts.map(\.count).sorted()[1])
        #expect(survey.lengths == whole.survey.lengths)
    }

    @Test("texts without a stop token are found, but not where all were cut; another end is told apart")
    func stops() throws {
        let long = Support.lines([Self.chat("short", String(repeating: "answer ", count: 40))])
        let cut = try Support.read(long, Support.encoder("bytes", maxLength: 40)).survey
        #expect(cut.stopFraction == 0 && cut.cutAnswerCount == 1 && !cut.lacksStops)
        let base = try Support.encoder("bytes")
        // The files name another stop token than the one that ends a document.
        let eos = try #require(base.tokens.eosID)
        let encoder = try TrainingTextEncoder(
            tokenizer: base.tokenizer, tokens: LanguageModelTokens(eosID: eos, generationEOSIDs: [eos + 2]))
        let other = try Support.read(Support.lines([["text": "a"]]), encoder).survey
        #expect(other.lacksStops && other.otherEndCount == 1)
        let right = try Support.read(Support.lines([["text": "a"]]), base).survey
        #expect(!right.lacksStops && right.otherEndCount == 0)
    }

    @Test("documents become pieces, and end with the end token")
    func documents() throws {
        let data = Support.lines([
            ["text": .string(String(repeating: "the answer is Paris. ", count: 30))], ["text": "a"],
        ])
        for name in Support.names {
            let whole = try Support.read(data, Support.encoder(name)).texts
            let (texts, survey) = try Support.read(data, Support.encoder(name, maxLength: 16))
            #expect(whole.count == 2 && texts.count > 5 && survey.splitCount == 1 && survey.cutCount == 0)
            #expect(texts.reduce(0) { $0 + $1.trainedCount } == whole.reduce(0) { $0 + $1.trainedCount })
            #expect(survey.stopFraction == 1 || name == "begin")
            #expect(survey.doubledBOSCount == 0)
        }
        // A document whose end token is no stop token of the model.
        #expect(try Support.read(data, Support.encoder("begin")).survey.stopFraction == 1)
    }

    @Test("a doubled beginning, an empty mask and a changed turn are counted")
    func survey() throws {
        let twice = try Support.read(
            Support.lines([["text": "<|bos|>a"], ["text": "a"]]), Support.encoder("begin"))
        #expect(twice.survey.doubledBOSCount == 1)
        let base = try Support.encoder("bytes")
        let silent = try ChatTemplate(
            source:
                "{% for m in messages %}{{ m.content }}{% if false %}{% generation %}{% endgeneration %}{% endif %}{% endfor %}"
        )
        let encoder = try TrainingTextEncoder(
            tokenizer: base.tokenizer, tokens: base.tokens,
            templates: ChatTemplates(templates: ["default": silent]))
        let none = try Support.read(Support.lines([Self.chat("a", "b")]), encoder)
        #expect(none.texts.isEmpty && none.survey.emptyMaskCount == 1 && none.survey.stopFraction == nil)
        #expect(none.survey.example == nil)
        let turns: JSONValue = [
            "messages": [
                ["role": "user", "content": "a"], ["role": "assistant", "content": "b"],
                ["role": "user", "content": "c"],
                ["role": "assistant", "content": "d"],
            ]
        ]
        let thinking = try Support.encoder("bytes", template: "thinking")
        #expect(try Support.read(Support.lines([turns]), thinking).survey.lastTurnOnlyCount == 1)
    }

    @Test("an example shows what is trained")
    func example() throws {
        let (_, survey) = try Support.read(
            Support.lines([Self.chat("hi 😀", "yes 日本")]), Support.encoder("bytes"))
        #expect(
            survey.example?.segments == [
                .init(text: "<|im_start|>user\nhi 😀<|im_end|>\n<|im_start|>assistant\n", isTrained: false),
                .init(text: "yes 日本<|im_end|>\n", isTrained: true),
            ])
        // Bytes of byte fallback at the border, which are final only behind it.
        let tokenizer = try Support.encoder("pieces").tokenizer
        let ids = try tokenizer.encode("a😀b", addSpecialTokens: false).ids
        let marked = try MarkedText(
            TokenizedText(ids: ids, isTrained: ids.indices.map { $0 == ids.count - 1 }), tokenizer: tokenizer)
        #expect(marked.segments == [.init(text: "a😀", isTrained: false), .init(text: "b", isTrained: true)])
    }

    @Test("many threads and small chunks give the same")
    func threads() throws {
        let data = Support.lines(
            (0..<200).map { Self.chat("question \($0)", String(repeating: "é日😀 ", count: $0 % 17) + "x") })
        let expected = try Support.read(data, Support.encoder("bytes", maxLength: 64))
        for (threads, limit) in [(4, 1024), (3, 7), (1, 1)] {
            let found = try Support.read(
                data, Support.encoder("bytes", maxLength: 64, threads: threads), limit: limit)
            #expect(found.texts == expected.texts && found.survey == expected.survey)
        }
    }

    @Test("a token that reaches over a border is trained; one that ends at it is not")
    func borders() {
        let text = RenderedText(text: "abcdef", trained: [2..<4], addsSpecialTokens: false)
        #expect(text.mask([0..<2, 2..<4, 4..<6]) == [false, true, false])
        #expect(text.mask([0..<1, 1..<3, 3..<6]) == [false, true, true])
        #expect(text.mask([0..<0, 2..<2, 3..<3, 4..<4, 4..<6]) == [false, true, true, false, false])
        #expect(text.mask([0..<6]) == [true])
    }

    @Test("length summaries take the nearest rank")
    func lengths() {
        var summary = LengthSummary()
        #expect(summary.median == 0 && summary.maximum == 0)
        for length in (1...100).reversed() { summary.add(length) }
        #expect(summary.median == 50 && summary.percentile95 == 95 && summary.maximum == 100)
        #expect(summary.percentile(1) == 1 && summary.percentile(100) == 100)
    }
}
