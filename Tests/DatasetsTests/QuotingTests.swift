import Foundation
import Testing

@testable import Datasets

@Suite("Quotes and delimiters")
struct QuotingTests {
    private func texts(
        _ text: String, _ name: String = "d.tsv", _ form: DelimitedFormat = DelimitedFormat()
    ) throws -> [String] {
        try Support.load(text, as: name, options: .init(delimited: form)).examples.map(\.text)
    }

    @Test("in .tsv a quote that is not closed before the tab or the line's end is a character")
    func stray() throws {
        // What GLUE's files hold; pandas swallows the rows between the first two quotes unless told QUOTE_NONE.
        let rows =
            "sentence\tlabel\nplain film 0\tx\n\"a great film\ty\nplain film 2\tx\na dull one\"\ty\n\" never \" good\tx\n"
        #expect(
            try texts(rows) == [
                "plain film 0", "\"a great film", "plain film 2", "a dull one\"", "\" never \" good",
            ])
        #expect(try texts("text\tlabel\n\"\tx\n\"\"\"\ty\n\"a\"b\"\tx\n") == ["\"", "\"\"\"", "\"a\"b\""])
        // In the last column, with and without line ends behind it.
        #expect(try texts("label\ttext\nx\t\"a\ny\tb\"\nx\tc") == ["\"a", "b\"", "c"])
        #expect(try texts("label\ttext\nx\t\"a\n\n") == ["\"a"])
        #expect(try texts("text\n\"a\nb\"\n") == ["\"a", "b\""])
    }

    @Test("in .tsv what CSV's rules quote is still read: tabs, line breaks and doubled quotes")
    func quoted() throws {
        #expect(
            try texts(
                "text\tlabel\n\"a b\"\tx\n\"a \"\"b\"\"\"\ty\n\"\"\tx\n".replacing("\"\"\tx", with: "c\tx"))
                == ["a b", "a \"b\"", "c"])
        #expect(try texts("text\tlabel\n\"a\tb\"\tx\n\"c\nd\"\ty\ne\tx\n") == ["a\tb", "c\nd", "e"])
        #expect(try texts("label\ttext\nx\t\"a\r\n\r\nb\"\r\ny\tc\r\n") == ["a\r\n\r\nb", "c"])
        #expect(try texts("text\tlabel\n\"a\n\"\"b\"\"\tc\"\tx\n") == ["a\n\"b\"\tc"])
    }

    @Test("the line of an error in .tsv is the row's")
    func lines() {
        #expect(
            Support.refusal("text\tlabel\na\tx\n\"b\nc\n", as: "d.tsv").hasPrefix(
                "d.tsv, line 3: 1 column where the header has 2"))
        #expect(
            Support.refusal("text\tlabel\n\"a\nb\"\tx\nc\n", as: "d.tsv").hasPrefix("d.tsv, line 4: 1 column")
        )
    }

    @Test("--quoting none takes every quote as a character, rfc4180 none of those that open a field")
    func choice() throws {
        let off = DelimitedFormat(quoting: .off)
        #expect(try texts("text\tlabel\n\"a\"\tx\n\"b\ty\n", "d.tsv", off) == ["\"a\"", "\"b"])
        #expect(try texts("text,label\n\"a\",x\n\"b,y\n", "d.csv", off) == ["\"a\"", "\"b"])
        let strict = DelimitedFormat(quoting: .rfc4180)
        let swallowed = "text\tlabel\n\"a\tx\nb\"\ty\n"
        #expect(try texts(swallowed, "d.tsv", strict) == ["a\tx\nb"])
        #expect(try texts(swallowed) == ["\"a", "b\""])
    }

    @Test("an error about a quote names the line where it opens, and the one where it closes")
    func errors() {
        #expect(
            Support.refusal("text,label\na,x\n\"b,y\nc,\"d\"e\nf,x\n").hasPrefix(
                "data.csv, line 3: the quote that opens here is closed on line 4 with text behind it"))
        #expect(
            Support.refusal("text,label\na,x\n\"b,y\nc,x\n").hasPrefix(
                "data.csv, line 3: the quote that opens here is never closed"))
    }

    @Test(
        "--delimiter takes any character; without it a header that another would divide is an error that names it"
    )
    func delimiters() throws {
        #expect(
            try texts("text;label\na,b;x\n\"c;d\";y\n", "d.csv", .init(delimiter: 0x3B)) == ["a,b", "c;d"])
        #expect(try texts("text|label\na|x\n", "d.tsv", .init(delimiter: 0x7C)) == ["a"])
        #expect(try DelimitedFormat.delimiter(";") == 0x3B && DelimitedFormat.delimiter("tab") == 0x09)
        #expect(try DelimitedFormat.delimiter("\\t") == 0x09 && DelimitedFormat.delimiter("\t") == 0x09)
        for wrong in ["", ";;", "\"", "\n", "é", "semicolon"] {
            #expect(throws: DatasetError.self) { try DelimitedFormat.delimiter(wrong) }
        }
        for (text, name, delimiter) in [
            ("text;label\na;x\n", "d.csv", ";"), ("\"text\";\"label\"\n\"a\";\"x\"\n", "d.csv", ";"),
            ("text\tlabel\na\tx\n", "d.csv", "tab"), ("text,label\na,x\n", "d.tsv", ","),
            ("id|text|label\n1|a|x\n", "d.csv", "|"),
        ] {
            let refusal = Support.refusal(text, as: name)
            #expect(
                refusal.hasPrefix("\(name): the columns seem to be separated by '\(delimiter)'"), "\(refusal)"
            )
            #expect(refusal.contains("pass --delimiter '\(delimiter)'"))
        }
        // No other delimiter makes columns of a text file out of this.
        #expect(Support.refusal("a;b\n1;2\n").contains("no column has a usual name"))
    }

    @Test("a first line sep=; says the delimiter, as spreadsheets write it")
    func separatorLine() throws {
        #expect(try texts("sep=;\ntext;label\na,b;x\n", "d.csv") == ["a,b"])
        #expect(try texts("\u{FEFF}sep=,\r\ntext,label\r\na,x\r\n", "d.csv") == ["a"])
        #expect(try texts("sep=\t\ntext\tlabel\na\tx\n", "d.csv") == ["a"])
        #expect(try texts("sep=;\ntext,label\na,x\n", "d.csv", .init(delimiter: 0x2C)) == ["a"])
        #expect(Support.refusal("sep=;\n").contains("the file is empty"))
    }

    @Test("columns that are not used may share a name; one that is used must not")
    func sharedNames() throws {
        let spam = "v1,v2,,,\nham,\"a, b\",,,\nspam,c,,,\n"
        let data = try Support.load(spam, options: .init(textColumn: "v2", labelColumn: "v1"))
        #expect(data.examples.map(\.text) == ["a, b", "c"] && data.labels?.names == ["ham", "spam"])
        #expect(try Support.load("id,text,id,label\n1,a,2,x\n").examples.map(\.text) == ["a"])
        for (text, name) in [("text,label,label\na,x,y\n", "label"), ("text,label,text\na,x,b\n", "text")] {
            #expect(Support.refusal(text).contains("the column '\(name)' occurs twice"))
        }
        #expect(
            Support.refusal("a,b,b\n1,2,3\n", options: .init(textColumn: "b")).contains("'b' occurs twice"))
    }
}
