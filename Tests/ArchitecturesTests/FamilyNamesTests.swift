import Architectures
import Files
import Foundation
import Safetensors
import Testing
import Transformers

@Suite("The names that are read without libtorch are those of checkpoints and of built models")
struct FamilyNamesTests {
    /// Every fixture, by its directory.
    static let names =
        ["bert-tiny", "bert-base-prefixless", "bert-tiny-legacy"]
        + ["families", "token-families"].flatMap { folder in
            ((try? FileManager.default.contentsOfDirectory(atPath: fixture(folder).path)) ?? []).sorted()
                .map { "\(folder)/\($0)" }
        }

    @Test("a fixture for every family")
    func families() throws {
        let types = try Self.names.map { try ModelConfiguration(contentsOf: fixture($0)).modelType }
        #expect(Set(types) == Set(ModelFamily.all.filter { !$0.isDecoder }.map(\.modelType)))
    }

    @Test("each layer's parameters, and each other one", arguments: names)
    func everything(_ name: String) throws {
        let configuration = try ModelConfiguration(contentsOf: fixture(name))
        let layout = configuration.family.layout
        let stored = try SafetensorsCheckpoint(directory: fixture(name)).names
        // Older versions of transformers saved the position ids, a buffer that is no parameter.
        let checkpoint = Set(
            try layout.storedNames(stored, path: name).keys.filter { !$0.hasSuffix(".position_ids") })
        var rest = checkpoint
        for group in try 0..<configuration.layerGroups() {
            let path = layout.layers(group) + "."
            let own = Set(try Self.layer(configuration, group).map { path + $0 })
            #expect(own == checkpoint.filter { $0.hasPrefix(path) }, "layer \(group)")
            rest.subtract(own)
        }
        // A bare encoder has no head yet.
        if layout.head(configuration.headKind).outputs.isDisjoint(with: rest) {
            rest.formUnion(try Self.head(configuration))
        }
        let difference = try rest.symmetricDifference(Self.outside(configuration))
        #expect(difference.isEmpty, "\(difference.sorted())")
        let built = Set(try AutoModel.load(from: fixture(name)).model.parameters.names)
        #expect(built.isSuperset(of: checkpoint))
        #expect(try built.subtracting(checkpoint).isSubset(of: Self.head(configuration)))
    }

    /// The names of a layer's parameters after its path.
    private static func layer(_ configuration: ModelConfiguration, _ index: Int) throws -> Set<String> {
        switch configuration.modelType {
        case "modernbert":
            let settings = try ModernBertSettings(configuration)
            let norms =
                (index == 0 ? [] : [ModernBertNames.attentionNorm]) + [ModernBertNames.feedForwardNorm]
            return parameters(norms, bias: settings.normBias)
                .union(
                    parameters(
                        [ModernBertNames.queryKeyValue, ModernBertNames.attentionOutput],
                        bias: settings.attentionBias)
                )
                .union(
                    parameters(
                        [ModernBertNames.input, ModernBertNames.output], bias: settings.feedForwardBias))
        case "deberta-v2":
            let settings = try DebertaV2Settings(configuration)
            let hasOwn = settings.relative != nil && !settings.sharesProjections
            let positions =
                (hasOwn && settings.contentToPosition ? [DebertaV2Names.positionKey] : [])
                + (hasOwn && settings.positionToContent ? [DebertaV2Names.positionQuery] : [])
            return Set(try configuration.family.postNormLayer().axes(layer: index).keys)
                .union(parameters(positions))
        default: return Set(try configuration.family.postNormLayer().axes(layer: index).keys)
        }
    }

    /// The names of all parameters that are in no layer.
    private static func outside(_ configuration: ModelConfiguration) throws -> Set<String> {
        let names = configuration.family.layout.embeddings
        var result = try head(configuration)
        result.insert(names.word + ".weight")
        if configuration.typeVocabSize > 0, let table = names.tokenType { result.insert(table + ".weight") }
        let bias =
            try configuration.modelType != "modernbert" || ModernBertSettings(configuration).normBias
        result.formUnion(parameters([names.norm], bias: bias))
        if configuration.projectsEmbeddings, let projection = names.projection {
            result.formUnion(parameters([projection], bias: configuration.modelType != "deberta-v2"))
        }
        var hasPositions = true
        switch configuration.modelType {
        case "modernbert": result.formUnion(parameters([ModernBertNames.finalNorm], bias: bias))
        case "mpnet": result.insert(MPNetNames.positionBias + ".weight")
        case "deberta-v2":
            let settings = try DebertaV2Settings(configuration)
            hasPositions = settings.addsPositions
            if let relative = settings.relative {
                result.insert(DebertaV2Names.distances + ".weight")
                if relative.isNormalised { result.formUnion(parameters([DebertaV2Names.distanceNorm])) }
            }
        default: break
        }
        if hasPositions, let table = names.position { result.insert(table + ".weight") }
        return result
    }

    /// The names of the head's parameters.
    private static func head(_ configuration: ModelConfiguration) throws -> Set<String> {
        let layout = configuration.family.layout
        let head = layout.head(configuration.headKind)
        guard configuration.modelType == "modernbert" else {
            return parameters([head.classifier, head.dense].compactMap(\.self))
        }
        // The same head for tokens too.
        let settings = try ModernBertSettings(configuration)
        return parameters([layout.sequenceHead.dense], bias: settings.classifierBias)
            .union(parameters([layout.sequenceHead.norm].compactMap(\.self), bias: settings.normBias))
            .union(parameters([head.classifier]))
    }

    private static func parameters(_ modules: [String], bias: Bool = true) -> Set<String> {
        Set(modules.flatMap { bias ? [$0 + ".weight", $0 + ".bias"] : [$0 + ".weight"] })
    }
}
