"""Banks as other systems export them, written here: every kind of question, and what none of them should send."""

import base64
import io
import stat
import zipfile

from tests.hostile_files import SVG, archive, png

PNG = base64.b64encode(png()).decode()

MOODLE = f"""<?xml version="1.0" encoding="UTF-8"?>
<quiz>
<question type="category"><category><text>$course$/top/Chapter 1/Section//A</text></category></question>
<question type="multichoice"><name><text>One</text></name>
 <questiontext format="html"><text><![CDATA[<p><span lang="en" class="multilang">Which <b>one</b>?</span><span lang="zh_cn" class="multilang">哪<b>一个</b>？</span></p><p><img src="@@PLUGINFILE@@/dot.png" alt="dot" onerror="x()"></p><script>x()</script>]]></text>
  <file name="dot.png" path="/" encoding="base64">{PNG}</file></questiontext>
 <generalfeedback format="html"><text>&lt;p&gt;Because.&lt;/p&gt;</text></generalfeedback>
 <defaultgrade>2.0000000</defaultgrade><idnumber>M-1</idnumber><single>true</single>
 <answer fraction="100" format="html"><text>{{mlang en}}a{{mlang}}{{mlang zh_cn}}甲{{mlang}}</text></answer>
 <answer fraction="50" format="html"><text>b</text><feedback format="html"><text>nearly</text></feedback></answer>
 <answer fraction="0" format="html"><text>All of the above</text></answer>
 <tags><tag><text>red</text></tag><tag><text>blue</text></tag></tags></question>
<question type="multichoice"><name><text>Several</text></name><questiontext format="html"><text>Which?</text></questiontext>
 <single>false</single><answer fraction="50"><text>a</text></answer><answer fraction="50"><text>b</text></answer>
 <answer fraction="-100"><text>c</text></answer></question>
<question type="truefalse"><name><text>TF</text></name><questiontext><text>Is it?</text></questiontext>
 <answer fraction="0"><text>true</text></answer><answer fraction="100"><text>false</text></answer></question>
<question type="shortanswer"><name><text>Short</text></name><questiontext><text>Capital of France?</text></questiontext>
 <usecase>1</usecase><answer fraction="100"><text>Paris</text></answer><answer fraction="100"><text>Par*</text></answer><answer fraction="100"><text>P\\*</text></answer>
 <answer fraction="50"><text>Pariss</text></answer></question>
<question type="numerical"><name><text>Number</text></name><questiontext><text>Pi?</text></questiontext>
 <answer fraction="100"><text>3.14</text><tolerance>0.01</tolerance></answer>
 <units><unit><multiplier>1</multiplier><unit_name>rad</unit_name></unit></units></question>
<question type="matching"><name><text>Match</text></name><questiontext><text>Capitals</text></questiontext>
 <subquestion><text>France</text><answer><text>Paris</text></answer></subquestion>
 <subquestion><text>Italy</text><answer><text>Rome</text></answer></subquestion>
 <subquestion><text></text><answer><text>Bonn</text></answer></subquestion></question>
<question type="ordering"><name><text>Order</text></name><questiontext><text>Put in order</text></questiontext>
 <answer fraction="2"><text>second</text></answer><answer fraction="1"><text>first</text></answer></question>
<question type="essay"><name><text>Long</text></name><questiontext><text>Tell</text></questiontext>
 <defaultgrade>10</defaultgrade><graderinfo format="html"><text>&lt;p&gt;Look for the reasons&lt;/p&gt;</text></graderinfo></question>
<question type="category"><category><text>$system$/top</text></category></question>
<question type="description"><name><text>D</text></name><questiontext><text>Read on.</text></questiontext></question>
<question type="cloze"><name><text>C</text></name><questiontext><text>{{1:SA:=x}}</text></questiontext></question>
<question type="ddwtos"><name><text>G</text></name><questiontext><text>[[1]]</text></questiontext></question>
<question type="calculated"><name><text>K</text></name><questiontext><text>{{a}}+1</text></questiontext></question>
<question type="shortanswer"><name><text>Star</text></name><questiontext><text>Any?</text></questiontext>
 <answer fraction="100"><text>*</text></answer></question>
</quiz>"""

GIFT = r"""// [id:G-1] [tag:red]
// [tag:blue]
::Title\: one::[html]<p>Which <b>one</b>?</p>{
=[plain]a \= 1#good
~b

~%-50%c####[html]<p>Because.</p>
}

$CATEGORY: $course$/top/Chapter 1

Several?{~%50%a ~%50%b ~%-100%c}
// between

True?{FALSE#no#yes}

Grant is {~buried =entombed} in his tomb.

Who?{=no one =nobody =%50%none}

{=Asia} is the largest.

Number?{#3.1415:0.0005}

Range?{#1..5}

Numbers?{#=1822:0#right =%50%1822:2 ~#wrong}

Match?{=a -> 1 =b -> 2 = -> 3}

Tell.{}

[markdown]Is **this** it?{T}

A text alone.

Not closed {=a ~b

Two {=a ~b} gaps {=c ~d}

Nothing right{~a ~b}
"""

AIKEN = """What is one?
A. a
B. b
ANSWER: B

What has two lines
of text?
A) a
B) b
C) None of the above
ANSWER: A

No answer?
A. a
B. b

Key out of range?
A. a
B. b
ANSWER: D

One option?
A. a
ANSWER: A

Wrong letters?
A. a
C. c
ANSWER: A

ANSWER: A
"""

COLUMNS = """code;topic;level;kind;points;stem_zh;stem_en;option_1;option_2;option_3;key;accept;case;why;tags;prompt_1;prompt_2;rubric_1;rubric_1_points
C-1;T;2;;3;哪个？;Which?;a;b;All of these;B;;;Because;"x
y";;
C-2;T;;several;;Which?;;a;b;c;1 3;;;;;;
C-3;T;;numeric;;How much?;;;;;;"4
-1.5..2";;;;;
C-4;T;;short;;Who?;;;;;;"nobody
no one";yes;;;;
C-5;T;;true_false;;True?;;;;;2;;;;;;
C-6;T;;order;;In order;;a;b;c;;;;;;;
C-7;T;;match;;Match;;1;2;3;3 1;;;;;l;r
C-8;T;;long;3;;Tell;;;;;;;;;;;Reasons;3
C-9;T;;;;No key;;a;b;;;;;;;;
C-10;T;;essay;;Kind?;;a;b;;1;;;;;;
"""


def zipped(files: dict[str, str | bytes]) -> bytes:
    return archive({name: text.encode() if isinstance(text, str) else text for name, text in files.items()})


# ——— QTI 2.1, 2.2 and 3.0 ———

NS21 = 'xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1"'
MATCH_CORRECT = (
    '<responseProcessing template="http://www.imsglobal.org/question/qti_v2p1/rptemplates/match_correct"/>'
)
MAP_RESPONSE = (
    '<responseProcessing template="http://www.imsglobal.org/question/qti_v2p1/rptemplates/map_response"/>'
)


def declared(cardinality: str, base: str, *values: str, mapping: dict[str, float] | None = None) -> str:
    correct = "".join(f"<value>{v}</value>" for v in values)
    entries = "".join(f'<mapEntry mapKey="{k}" mappedValue="{v}"/>' for k, v in (mapping or {}).items())
    return (
        f'<responseDeclaration identifier="RESPONSE" cardinality="{cardinality}" baseType="{base}">'
        + (f"<correctResponse>{correct}</correctResponse>" if values else "")
        + (f"<mapping>{entries}</mapping>" if mapping else "")
        + "</responseDeclaration>"
    )


def item(
    declaration: str, body: str, processing: str = MATCH_CORRECT, *, name: str = "i", more: str = ""
) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><assessmentItem {NS21} identifier="{name}" title="t" adaptive="false" '
        f'timeDependent="false"{more}>{declaration}<itemBody>{body}</itemBody>{processing}</assessmentItem>'
    )


def choices(*texts: str, tag: str = "simpleChoice") -> str:
    return "".join(f'<{tag} identifier="{"ABCDEF"[n]}">{text}</{tag}>' for n, text in enumerate(texts))


def choice(inside: str, most: int = 1, name: str = "choiceInteraction") -> str:
    return f'<{name} responseIdentifier="RESPONSE" maxChoices="{most}">{inside}</{name}>'


def written_out(condition: str) -> str:
    return (
        f"<responseProcessing><responseCondition><responseIf>{condition}"
        '<setOutcomeValue identifier="SCORE"><baseValue baseType="float">1</baseValue></setOutcomeValue>'
        "</responseIf></responseCondition></responseProcessing>"
    )


VARIABLE = '<variable identifier="RESPONSE"/>'
ENTRY = '<p>How much? <textEntryInteraction responseIdentifier="RESPONSE"/></p>'
SETS = (
    '<matchInteraction responseIdentifier="RESPONSE" maxAssociations="0"><prompt>Pair</prompt><simpleMatchSet>'
    '<simpleAssociableChoice identifier="L1" matchMax="1">l</simpleAssociableChoice>'
    '<simpleAssociableChoice identifier="L2" matchMax="1">m</simpleAssociableChoice></simpleMatchSet><simpleMatchSet>'
    '<simpleAssociableChoice identifier="R1" matchMax="2">r</simpleAssociableChoice>'
    '<simpleAssociableChoice identifier="R2" matchMax="2">s</simpleAssociableChoice>'
    '<simpleAssociableChoice identifier="R3" matchMax="2">t</simpleAssociableChoice></simpleMatchSet></matchInteraction>'
)
HEAP = (
    '<associateInteraction responseIdentifier="RESPONSE" maxAssociations="2"><prompt>Pair</prompt>'
    + "".join(
        f'<simpleAssociableChoice identifier="{n}" matchMax="1">{n}</simpleAssociableChoice>' for n in "ABCD"
    )
    + "</associateInteraction>"
)

# name → (file, kind, stem, what is right: options by key, or what is accepted)
QTI_ITEMS: dict[str, tuple[str, str, object]] = {
    "choice": (
        item(
            declared("single", "identifier", "B"),
            "<p>Look</p>" + choice("<prompt>Which?</prompt>" + choices("a", "b")),
        ),
        "one",
        ["b"],
    ),
    "several": (
        item(
            declared("multiple", "identifier", "A", "C"),
            choice("<prompt>Which?</prompt>" + choices("a", "b", "c"), 0),
        ),
        "several",
        ["a", "c"],
    ),
    "mapped": (
        item(
            declared("multiple", "identifier", "A", mapping={"A": 1, "B": 0.5, "C": -1}),
            choice("<prompt>Which?</prompt>" + choices("a", "b", "c"), 0),
            MAP_RESPONSE,
        ),
        "several",
        ["a", "b"],
    ),
    "written out": (
        item(
            declared("single", "identifier"),
            choice("<prompt>Which?</prompt>" + choices("a", "b")),
            written_out(f'<match>{VARIABLE}<baseValue baseType="identifier">B</baseValue></match>'),
        ),
        "one",
        ["b"],
    ),
    "true or false": (
        item(
            declared("single", "identifier", "A"),
            choice("<prompt>Is it?</prompt>" + choices("False", "True")),
        ),
        "true_false",
        ["False"],
    ),
    "order": (
        item(
            declared("ordered", "identifier", "C", "A", "B"),
            choice("<prompt>Order</prompt>" + choices("a", "b", "c"), 0, "orderInteraction"),
        ),
        "order",
        ["c", "a", "b"],
    ),
    "match": (item(declared("multiple", "directedPair", "L1 R3", "L2 R1"), SETS), "match", ["t", "r"]),
    "associate": (item(declared("multiple", "pair", "A D", "C B"), HEAP), "match", ["D", "B"]),
    "gap of options": (
        item(
            declared("single", "identifier", "A"),
            '<p>Grass is <inlineChoiceInteraction responseIdentifier="RESPONSE">'
            + choices("green", "blue", tag="inlineChoice")
            + "</inlineChoiceInteraction> here.</p>",
        ),
        "one",
        ["green"],
    ),
    "text": (item(declared("single", "string", "Rome"), ENTRY), "short", [{"text": "Rome"}]),
    "mapped text": (
        item(declared("single", "string", "York", mapping={"York": 1, "york": 0.5}), ENTRY, MAP_RESPONSE),
        "short",
        [{"text": "York"}],
    ),
    "number": (item(declared("single", "integer", "4"), ENTRY), "numeric", [{"low": 4.0, "high": 4.0}]),
    "tolerance": (
        item(
            declared("single", "float", "4"),
            ENTRY,
            written_out(
                f'<equal toleranceMode="absolute" tolerance="0.5 0.25">{VARIABLE}<correct identifier="RESPONSE"/></equal>'
            ),
        ),
        "numeric",
        [{"low": 3.5, "high": 4.25}],
    ),
    "range": (
        item(
            declared("single", "float"),
            ENTRY,
            written_out(
                f'<and><gte>{VARIABLE}<baseValue baseType="float">1</baseValue></gte>'
                f'<lte>{VARIABLE}<baseValue baseType="float">2</baseValue></lte></and>'
            ),
        ),
        "numeric",
        [{"low": 1.0, "high": 2.0}],
    ),
    "essay": (
        item(
            declared("single", "string"),
            '<p>Tell</p><rubricBlock view="scorer"><p>Reasons</p></rubricBlock>'
            '<extendedTextInteraction responseIdentifier="RESPONSE"/>',
            "",
        ),
        "long",
        [],
    ),
}

QTI3 = """<?xml version="1.0" encoding="UTF-8"?>
<qti-assessment-item xmlns="http://www.imsglobal.org/xsd/imsqtiasi_v3p0" identifier="v3" title="t" adaptive="false" time-dependent="false">
<qti-response-declaration identifier="RESPONSE" cardinality="single" base-type="identifier"><qti-correct-response><qti-value>B</qti-value></qti-correct-response></qti-response-declaration>
<qti-item-body><div xml:lang="en"><p>In English</p></div><div xml:lang="zh-CN"><p>中文</p></div>
<qti-choice-interaction response-identifier="RESPONSE" max-choices="1" shuffle="true"><qti-prompt>Which?</qti-prompt>
<qti-simple-choice identifier="A" fixed="true">a</qti-simple-choice><qti-simple-choice identifier="B">b</qti-simple-choice></qti-choice-interaction></qti-item-body>
<qti-response-processing template="https://purl.imsglobal.org/spec/qti/v3p0/rptemplates/match_correct.xml"/></qti-assessment-item>"""

QTI_REFUSED: dict[str, tuple[str, str]] = {
    "hotspot": (item(declared("single", "identifier", "A"), choice("", 1, "hotspotInteraction")), "Questions of this kind are not read: hotspotinteraction."),
    "two gaps": (item(declared("single", "string", "a"), ENTRY + ENTRY), "It asks for 2 answers at once, which is not read."),
    "adaptive": (item("", "<p/>").replace('adaptive="false"', 'adaptive="true"'), "It changes with the answers, which is not read."),
    "drawn": (item('<templateDeclaration identifier="a" cardinality="single"/>', ENTRY), "Its values are drawn anew each time, which is not read."),
    "nothing": (item("", "<p>Read on</p>"), "It asks nothing: a text between questions."),
    "no key": (item(declared("single", "identifier"), choice("<prompt>W</prompt>" + choices("a", "b")), ""), "None of its options is right."),
    "key of nothing": (item(declared("single", "identifier", "Z"), choice("<prompt>W</prompt>" + choices("a", "b"))), "Its key is not one of its options."),
    "several answers on the left": (item(declared("multiple", "directedPair", "L1 R3", "L1 R1", "L2 R1"), SETS), "Something on its left has several answers, which is not read."),
    "substring": (item(declared("single", "float"), ENTRY, written_out(f"<substring>{VARIABLE}</substring>")), "Its marking is written out in a way that is not read."),
}  # fmt: skip

MANIFEST = """<?xml version="1.0"?><manifest xmlns="http://www.imsglobal.org/xsd/imscp_v1p1" identifier="M"><resources>%s</resources></manifest>"""


def qti_package() -> bytes:
    """Two items with the same identifier, one that is broken, one that is missing, a picture, a test of two sections."""
    question = item(
        declared("single", "identifier", "A"),
        '<p><img src="../media/a%20b.png" alt="x"/></p>'
        + choice("<prompt>Which?</prompt>" + choices("a", "b")),
    )
    names = ("items/one.xml", "items/two.xml", "items/broken.xml", "test.xml")
    sections = "".join(
        f'<assessmentSection identifier="s{n}" title="Section {n}"><assessmentItemRef identifier="ref{n}" href="{href}"/></assessmentSection>'
        for n, href in enumerate(("items/two.xml", "items/one.xml", "items/missing.xml"), 1)
    )
    return zipped(
        {
            "imsmanifest.xml": MANIFEST
            % "".join(f'<resource identifier="r{n}" href="{name}"/>' for n, name in enumerate(names)),
            "items/one.xml": question,
            "items/two.xml": question.replace("Which?", "Which other?").replace(">b<", ">c<"),
            "items/broken.xml": question[:-30],
            "media/a b.png": png(),
            "test.xml": f'<assessmentTest {NS21} identifier="T"><testPart identifier="p">{sections}</testPart></assessmentTest>',
        }
    )


# ——— QTI 1.2 ———


def canvas_item(ident: str, kind: str, presentation: str, conditions: str, points: str = "2.0") -> str:
    fields = f"<qtimetadatafield><fieldlabel>question_type</fieldlabel><fieldentry>{kind}</fieldentry></qtimetadatafield>"
    fields += f"<qtimetadatafield><fieldlabel>points_possible</fieldlabel><fieldentry>{points}</fieldentry></qtimetadatafield>"
    return (
        f'<item ident="{ident}" title="Question"><itemmetadata><qtimetadata>{fields}</qtimetadata></itemmetadata>'
        f'<presentation>{presentation}</presentation><resprocessing><outcomes><decvar maxvalue="100" minvalue="0" '
        f'varname="SCORE" vartype="Decimal"/></outcomes>{conditions}</resprocessing>'
        '<itemfeedback ident="general_fb"><flow_mat>' + said("Because") + "</flow_mat></itemfeedback></item>"
    )


def said(text: str) -> str:
    return f'<material><mattext texttype="text/html">&lt;div&gt;&lt;p&gt;{text}&lt;/p&gt;&lt;/div&gt;</mattext></material>'


def canvas_choices(*texts: str, ident: str = "response1", many: str = "Single") -> str:
    labels = "".join(
        f'<response_label ident="{100 + n}"><material><mattext texttype="text/plain">{t}</mattext></material></response_label>'
        for n, t in enumerate(texts)
    )
    return f'<response_lid ident="{ident}" rcardinality="{many}"><render_choice>{labels}</render_choice></response_lid>'


def right(condition: str, score: str = "100") -> str:
    return f'<respcondition continue="No"><conditionvar>{condition}</conditionvar><setvar action="Set" varname="SCORE">{score}</setvar></respcondition>'


def equal(value: object, ident: str = "response1") -> str:
    return f'<varequal respident="{ident}">{value}</varequal>'


FIB = '<response_str ident="response1" rcardinality="Single"><render_fib><response_label ident="answer1"/></render_fib></response_str>'

CANVAS = (
    '<?xml version="1.0" encoding="UTF-8"?><questestinterop xmlns="http://www.imsglobal.org/xsd/ims_qtiasiv1p2">'
    '<assessment ident="a" title="Quiz"><section ident="root_section">'
    + canvas_item("c1", "multiple_choice_question", said("Which? &lt;img src=&quot;$IMS-CC-FILEBASE$/dot.png&quot;&gt;") + canvas_choices("a", "b"), right(equal(101)))
    + canvas_item("c2", "multiple_answers_question", said("All?") + canvas_choices("a", "b", "c", many="Multiple"),
        right(f"<and>{equal(100)}<not>{equal(101)}</not>{equal(102)}</and>"))
    + canvas_item("c3", "true_false_question", said("Is it?") + canvas_choices("True", "False"), right(equal(101)))
    + canvas_item("c4", "short_answer_question", said("Who?") + FIB, right(equal("nobody") + equal("no one")))
    + canvas_item("c5", "numerical_question", said("How much?") + FIB,
        right(f'<or>{equal("4.0")}<and><vargte respident="response1">3.5</vargte><varlte respident="response1">4.5</varlte></and></or>'))
    + canvas_item("c6", "matching_question", said("Pair")
        + "".join(canvas_choices("x", "y", "z", ident=f"response_{n}").replace("<render_choice>", f"<material><mattext>{t}</mattext></material><render_choice>") for n, t in ((1, "l"), (2, "m"))),
        right(equal(102, "response_1"), "50.00") + right(equal(100, "response_2"), "50.00"))
    + canvas_item("c7", "essay_question", said("Tell") + FIB, "", "10")
    + canvas_item("c8", "fill_in_multiple_blanks_question", said("[a] [b]") + FIB, right(equal("x")))
    + canvas_item("c9", "calculated_question", said("[x]+1") + FIB, "")
    + canvas_item("c10", "text_only_question", said("Read on"), "")
    + canvas_item("c11", "file_upload_question", said("Hand in"), "")
    + "</section></assessment></questestinterop>"
)  # fmt: skip


def canvas_package() -> bytes:
    return zipped(
        {
            "imsmanifest.xml": MANIFEST
            % '<resource identifier="r" type="imsqti_xmlv1p2"><file href="quiz/quiz.xml"/></resource>',
            "quiz/quiz.xml": CANVAS,
            "quiz/assessment_meta.xml": "<quiz><title>Quiz</title></quiz>",
            "web_resources/dot.png": png(),
        }
    )


def cartridge_item(profile: str, inside: str, conditions: str) -> str:
    return (
        '<item ident="k"><itemmetadata><qtimetadata><qtimetadatafield><fieldlabel>cc_profile</fieldlabel>'
        f"<fieldentry>{profile}</fieldentry></qtimetadatafield></qtimetadata></itemmetadata>"
        f"<presentation>{said('Asked')}{inside}</presentation><resprocessing>{conditions}</resprocessing></item>"
    )


BLACKBOARD = """<?xml version="1.0" encoding="UTF-8"?><questestinterop><assessment title="Pool"><section>
<item><itemmetadata><bbmd_questiontype>Multiple Choice</bbmd_questiontype></itemmetadata><presentation><flow class="Block">
<flow class="QUESTION_BLOCK"><flow class="FORMATTED_TEXT_BLOCK"><material><mat_extension><mat_formattedtext type="HTML">&lt;p&gt;Which?&lt;/p&gt;</mat_formattedtext></mat_extension></material></flow></flow>
<flow class="RESPONSE_BLOCK"><response_lid ident="response" rcardinality="Single"><render_choice>
<flow_label><response_label ident="x1"><flow_mat><material><mat_extension><mat_formattedtext type="HTML">a</mat_formattedtext></mat_extension></material></flow_mat></response_label></flow_label>
<flow_label><response_label ident="x2"><flow_mat><material><mat_extension><mat_formattedtext type="HTML">b</mat_formattedtext></mat_extension></material></flow_mat></response_label></flow_label>
</render_choice></response_lid></flow></flow></presentation>
<resprocessing><respcondition title="correct"><conditionvar><varequal respident="response">x2</varequal></conditionvar><setvar variablename="SCORE" action="Set">SCORE.max</setvar></respcondition>
<respcondition title="incorrect"><conditionvar><other/></conditionvar><setvar variablename="SCORE" action="Set">0</setvar></respcondition></resprocessing></item>
</section></assessment></questestinterop>"""


# ——— What nobody should send ———


def zip_with(info: zipfile.ZipInfo | str, content: bytes = b"x", times: int = 1) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for _ in range(times):
            file.writestr(info, content)
    return out.getvalue()


def link() -> bytes:
    info = zipfile.ZipInfo("items/link.xml")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zip_with(info, b"/etc/passwd")


def many() -> bytes:
    return archive({f"{n}.xml": b"" for n in range(2001)})


HOSTILE: dict[str, tuple[bytes, str]] = {
    "up and out": (archive({"../a.xml": b"x"}), "The archive holds a file that would land outside its folder: ../a.xml."),
    "up and out, the other way": (archive({"a\\..\\..\\b.xml": b"x"}), "The archive holds a file that would land outside its folder: a\\..\\..\\b.xml."),
    "absolute": (archive({"/etc/x": b"x"}), "The archive holds a file that would land outside its folder: /etc/x."),
    "drive": (archive({"C:/x": b"x"}), "The archive holds a file that would land outside its folder: C:/x."),
    "link": (link(), "The archive holds a link: items/link.xml."),
    "too many": (many(), "The archive holds more than 2,000 files."),
    "bomb": (archive({"a.xml": b"\0" * 10**7}), "The archive is packed more tightly than honest files are."),
    "archive in it": (archive({"a.zip": archive()}), "The archive holds another archive: a.zip."),
    "archive in disguise": (archive({"a.xml": archive()}), "The archive holds another archive: a.xml."),
    "damaged": (archive({"a.xml": b"x" * 999})[:-30], "The archive is damaged or not a plain ZIP file."),
    "no manifest": (archive({"a.xml": b"<a/>"}), "The archive has no imsmanifest.xml; it is not a package of questions."),
    "broken manifest": (archive({"imsmanifest.xml": b"<a>"}), "The package's imsmanifest.xml is not well-formed XML."),
    "laughs": (
        b'<?xml version="1.0"?><!DOCTYPE quiz [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><quiz>&b;</quiz>',
        "The file declares a document type with entities of its own, which is not read.",
    ),
    "laughs behind an address": (
        b'<?xml version="1.0"?><!-- <a> --><!DOCTYPE quiz SYSTEM "a>b" [<!ENTITY a "aaaa">]><quiz>&a;</quiz>',
        "The file declares a document type with entities of its own, which is not read.",
    ),
    "laughs in UTF-16": (
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE quiz [<!ENTITY a "aaaa">]><quiz>&a;</quiz>'.encode("utf-16"),
        "The file declares a document type with entities of its own, which is not read.",
    ),
    "encoding that hides": (
        b'<?xml version="1.0" encoding="UTF-7"?><quiz/>',
        "The file's encoding is not read. Please save it as UTF-8.",
    ),
    "deep": (b"<quiz>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</quiz>", "This is not well-formed XML, or it is nested too deeply."),
    "aliases": (b"- &a [x, x]\n- &b [*a, *a]\n- [*b, *b]\n", "The file uses YAML aliases, which are not read."),
    "another XML": (b"<html><body/></html>", None),
    "manifest alone": ((MANIFEST % "").encode(), "This file only lists the questions of a package. Please give the whole package."),
    "a picture": (png(), None),
    "a drawing": (SVG, None),
    "nothing": (b"", None),
    "zeros": (b"\0" * 1000, None),
}  # type: ignore[assignment]  # fmt: skip
