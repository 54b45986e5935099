#!/usr/bin/env bats
# The modules of the wing xmpp, by the words of the standards. They are what is built here: no variable changes them.
# Grades: nothing but the course

load helpers

MODULES=${BUILD:-$TOP}/tests/xmpp_modules

@test "xmpp modules: HMAC-SHA-1 of the vectors of RFC 2202, and of keys of about a block" { "$MODULES" hmac; }

@test "xmpp modules: PBKDF2 of the vectors of RFC 6070, with 1, 2 and 4096 rounds" { "$MODULES" pbkdf2; }

@test "xmpp modules: SCRAM makes the login of RFC 5802, byte by byte" { "$MODULES" example; }

@test "xmpp modules: a client's first message has a header, a name and a nonce, in this order, and then extensions" {
    "$MODULES" first
}

@test "xmpp modules: a name has =2C for a comma and =3D for =, and no other =" { "$MODULES" names; }

@test "xmpp modules: the longest names, nonces and messages are taken, and one byte more is refused" { "$MODULES" longest; }

@test "xmpp modules: a client's last message repeats the header and the nonce, and its proof is the last in it" {
    "$MODULES" final
}

@test "xmpp modules: a proof is the base64 of 20 bytes, and nothing else" { "$MODULES" proof; }

@test "xmpp modules: a byte changed on the way, in any of three messages, and the login fails" { "$MODULES" changed; }

@test "xmpp modules: a proof is good for one login, one password and one salt only" { "$MODULES" other; }

@test "xmpp modules: elements, attributes, and names are those of XML, at each cut" {
    "$MODULES" stanzas <<'END'
<a/> => <a/>
<a></a> => <a/>
<a ></a\n> => <a/>
<a  /> => <a/>
<a b='c'/> => <a b='c'/>
<a\tb\r\n =\n "c" d='"'/> => <a b='c' d='"'/>
<a b="'"/> => <a b='&apos;'/>
<a b=''/> => <a b=''/>
<a b='>'/> => <a b='>'/>
<a b='/>'>/></a> => <a b='/>'>/&gt;</a>
<a b='c'd='e'/> => not-well-formed
<a b='c' b='d'/> => not-well-formed
<a b='c' B='d'/> => <a b='c' B='d'/>
<a b/> => not-well-formed
<a b c='d'/> => not-well-formed
<a b=c/> => not-well-formed
<a ='c'/> => not-well-formed
<a b=`c`/> => not-well-formed
<a b='<'/> => not-well-formed
<a b='c => more
<a => more
< => more
< a/> => not-well-formed
<> => not-well-formed
</> => not-well-formed
<a/ > => not-well-formed
<a/] => not-well-formed
<a ?> => not-well-formed
<a><b></a> => not-well-formed
<a></A> => not-well-formed
<a></a] => not-well-formed
<a></a b='c'> => not-well-formed
<a></a/> => not-well-formed
<a></ a> => not-well-formed
<a></ab> => not-well-formed
<ab></a> => not-well-formed
<a><b/><c>d</c></a> => <a><b/><c>d</c></a>
<_a-1.b/> => <_a-1.b/>
<-a/> => not-well-formed
<1/> => not-well-formed
<.a/> => not-well-formed
<a,b/> => not-well-formed
<\xe5\x90\x83/> => <\xe5\x90\x83/>
<a\xc2\xb7/> => <a\xc2\xb7/>
<\xc2\xb7/> => not-well-formed
<a\xc3\x97/> => not-well-formed
<a\xcc\x80\xe2\x80\xbf/> => <a\xcc\x80\xe2\x80\xbf/>
<\xcc\x80/> => not-well-formed
<\xf0\x90\x80\x80/> => <\xf0\x90\x80\x80/>
<\xf3\xb0\x80\x80/> => not-well-formed
<a\xe2\x80\xa8/> => not-well-formed
<a\x00/> => not-well-formed
END
}

@test "xmpp modules: text is characters of UTF-8, the five entities, numbers, and CDATA, at each cut" {
    "$MODULES" stanzas <<'END'
<a>b &lt;&gt;&amp;&quot;&apos;</a> => <a>b &lt;&gt;&amp;"'</a>
<a b='&lt;&gt;&amp;&quot;&apos;'/> => <a b='&lt;>&amp;"&apos;'/>
<a>&#65;&#x42;&#x4f;&#x4F;&#00065;</a> => <a>ABOOA</a>
<a>&#233;&#x5403;&#x1f600;&#x10FFFF;</a> => <a>\xc3\xa9\xe5\x90\x83\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf</a>
<a>&#xd8000;</a> => <a>\xf3\x98\x80\x80</a>
<a>&#9;&#10;&#13;</a> => <a>\t\n&#13;</a>
<a>&#0;</a> => not-well-formed
<a>&#8;</a> => not-well-formed
<a>&#x1f;</a> => not-well-formed
<a>&#xd800;</a> => not-well-formed
<a>&#xdfff;</a> => not-well-formed
<a>&#xfffe;</a> => not-well-formed
<a>&#xffff;</a> => not-well-formed
<a>&#xfffd;</a> => <a>\xef\xbf\xbd</a>
<a>&#x110000;</a> => not-well-formed
<a>&#4294967361;</a> => not-well-formed
<a>&#x100000041;</a> => not-well-formed
<a>&#;</a> => not-well-formed
<a>&#x;</a> => not-well-formed
<a>&#X41;</a> => not-well-formed
<a>&#a;</a> => not-well-formed
<a>&#6 5;</a> => not-well-formed
<a>&#x4g;</a> => not-well-formed
<a>&#65</a> => not-well-formed
<a>&;</a> => not-well-formed
<a>& b</a> => not-well-formed
<a>&lt </a> => not-well-formed
<a>&amp</a> => not-well-formed
<a b='&'/> => not-well-formed
<a b='&amp'/> => not-well-formed
<a>&LT;</a> => restricted-xml
<a>&nbsp;</a> => restricted-xml
<a>&a-very-long-name;</a> => restricted-xml
<a b='&nbsp;'/> => restricted-xml
<a>&lt => more
<a>]]></a> => not-well-formed
<a>]]]></a> => not-well-formed
<a>]]&gt;</a> => <a>]]&gt;</a>
<a>] ]></a> => <a>] ]&gt;</a>
<a>]]</a> => <a>]]</a>
<a b=']]>'/> => <a b=']]>'/>
<a><![CDATA[<b>&amp;]]]]></a> => <a>&lt;b&gt;&amp;amp;]]</a>
<a><![CDATA[]]></a> => <a/>
<a>b<![CDATA[c]]>d<![CDATA[]]>e</a> => <a>bcde</a>
<a><![CDATA[ ]]</a>]]></a> => <a> ]]&lt;/a&gt;</a>
<a><![CDATA[]]]]><![CDATA[>]]></a> => <a>]]&gt;</a>
<a><![CDATA[\x01]]></a> => not-well-formed
<a><![CDATA[\xff]]></a> => not-well-formed
<a><![CDATA[b => more
<a><![cdata[]]></a> => restricted-xml
<a>b\rc\r\nd\n\re</a> => <a>b\nc\nd\n\ne</a>
<a><![CDATA[b\rc\r\nd]]></a> => <a>b\nc\nd</a>
<a>&#13;\n</a> => <a>&#13;\n</a>
<a b='c\td\ne\rf\r\ng'/> => <a b='c d e f g'/>
<a b='&#9;&#10;&#13;'/> => <a b='&#9;&#10;&#13;'/>
<a>\x7f\xc2\x80\xee\x80\x80</a> => <a>\x7f\xc2\x80\xee\x80\x80</a>
<a>\x00</a> => not-well-formed
<a>\x08</a> => not-well-formed
<a>\x1b</a> => not-well-formed
<a b='\x0c'/> => not-well-formed
<a>\x80</a> => not-well-formed
<a>\x80 => not-well-formed
<a>\xc0\x80</a> => not-well-formed
<a>\xc1\xbf</a> => not-well-formed
<a>\xff => not-well-formed
<a>\xc3</a> => not-well-formed
<a>\xe5\x90</a> => not-well-formed
<a>\xe0\x80\x80</a> => not-well-formed
<a>\xed\xa0\x80</a> => not-well-formed
<a>\xef\xbf\xbe</a> => not-well-formed
<a>\xef\xbf\xbf</a> => not-well-formed
<a>\xf0\x9f\xbf\xbf</a> => <a>\xf0\x9f\xbf\xbf</a>
<a>\xf0\x80\x80\x80</a> => not-well-formed
<a>\xf4\x90\x80\x80</a> => not-well-formed
<a>\xf5\x80\x80\x80</a> => not-well-formed
<a>\xef\xbb\xbf</a> => <a>\xef\xbb\xbf</a>
END
}

@test "xmpp modules: prefixes stand for namespaces, which may be declared as the standard says, at each cut" {
    "$MODULES" stanzas <<'END'
<a xmlns='u'><b/><c xmlns=''><d/></c></a> => <a xmlns='u'><b/><c xmlns=''><d/></c></a>
<x:a xmlns:x='u'><x:b/><c/></x:a> => <a xmlns='u'><b/><c xmlns='jabber:client'/></a>
<p:a/> => <a xmlns='urn:p'/>
<p:a xmlns:p='u'/> => <a xmlns='u'/>
<stream:error/> => <error xmlns='s'/>
<a xmlns='jabber:client'/> => <a/>
<x:a xmlns:x='jabber:client'/> => <a/>
<a p:b='c' b='d'/> => <a xmlns:a0='urn:p' a0:b='c' b='d'/>
<a xml:lang='zh'/> => <a xml:lang='zh'/>
<xml:a><b/></xml:a> => <xml:a><b/></xml:a>
<x:a xmlns:x='u'><xml:b xml:c='d'><x:e/></xml:b></x:a> => <a xmlns='u'><xml:b xml:c='d'><e/></xml:b></a>
<a xmlns:x='u' x:b='1' p:b='2'/> => <a xmlns:a0='u' a0:b='1' xmlns:a1='urn:p' a1:b='2'/>
<a xmlns:x='u&amp;&apos;' x:b='1'/> => <a xmlns:a0='u&amp;&apos;' a0:b='1'/>
<a xmlns:x='urn:p' x:b='1' p:b='2'/> => not-well-formed
<a xmlns='u' xmlns='u'/> => not-well-formed
<a xmlns:x='u' xmlns:x='v'/> => not-well-formed
<a xmlns:x='u' x:b='1' x:b='2'/> => not-well-formed
<a xmlns='urn:p' p:b='1' b='2'/> => <a xmlns='urn:p' xmlns:a0='urn:p' a0:b='1' b='2'/>
<a xmlns:x='u'><x:b/></a> => <a><b xmlns='u'/></a>
<a><b xmlns:x='u'/><x:c/></a> => bad-namespace-prefix
<x:a/> => bad-namespace-prefix
<a x:b='c'/> => bad-namespace-prefix
<a xmlns:x=''/> => bad-namespace-prefix
<a xmlns:xml='u'/> => bad-namespace-prefix
<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='de'/> => <a xml:lang='de'/>
<a xmlns:x='http://www.w3.org/XML/1998/namespace'/> => bad-namespace-prefix
<a xmlns='http://www.w3.org/XML/1998/namespace'/> => bad-namespace-prefix
<a xmlns:xmlns='u'/> => bad-namespace-prefix
<a xmlns:xmlns='http://www.w3.org/2000/xmlns/'/> => bad-namespace-prefix
<a xmlns:x='http://www.w3.org/2000/xmlns/'/> => bad-namespace-prefix
<a xmlns='http://www.w3.org/2000/xmlns/'/> => bad-namespace-prefix
<xmlns:a/> => bad-namespace-prefix
<xmlns/> => <xmlns/>
<:a/> => not-well-formed
<a:/> => not-well-formed
<p:a:b/> => not-well-formed
<p::a/> => not-well-formed
<p:1/> => not-well-formed
<a p:='b'/> => not-well-formed
<a :b='c'/> => not-well-formed
<p:a></a> => not-well-formed
<x:a xmlns:x='urn:p'></p:a> => not-well-formed
END
}

@test "xmpp modules: a stream has a declaration, a root, and stanzas; comments and the like are refused, at each cut" {
    "$MODULES" streams <<'END'
<s></s> => <s xmlns=''/> end
<?xml version='1.0'?><s></s> => <s xmlns=''/> end
<?xml version="1.0" encoding="UTF-8" standalone='yes' ?>\n\n<s> <a/>\n </s> => <s xmlns=''/> <a xmlns=''/> end
\r\n<?xml version='1.10' encoding='utf-8'?><s></s> => <s xmlns=''/> end
<x:s xmlns='u' xmlns:x='v' xmlns:y='w'><a/><x:b/><y:c/></x:s> => <s xmlns='v'/> <a xmlns='u'/> <b xmlns='v'/> <c xmlns='w'/> end
<s> => <s xmlns=''/>
<s><a> => <s xmlns=''/> more
<?xml => more
<?xml version='1.0' encoding='latin1'?><s> => unsupported-encoding
<?xml version='1.0' encoding='utf-16'?><s> => unsupported-encoding
<?xml version='1.0' encoding=''?><s> => unsupported-encoding
<?xml version='1.0' standalone='maybe'?><s> => not-well-formed
<?xml version='1.0' standalone='no' encoding='utf-8'?><s> => not-well-formed
<?xml encoding='utf-8'?><s> => not-well-formed
<?xml version='2.0'?><s> => not-well-formed
<?xml version='1.'?><s> => not-well-formed
<?xml version='1.0x'?><s> => not-well-formed
<?xml version='1.0' version='1.0'?><s> => not-well-formed
<?xml version='1.0' a='b'?><s> => not-well-formed
<?xml ?><s> => not-well-formed
<?xml version='1.0'/><s> => not-well-formed
<?xml version='1.0'><s> => not-well-formed
<?xml version='1.0'? ><s> => not-well-formed
<?xml-stylesheet?><s> => restricted-xml
<?php ?><s> => restricted-xml
<?xml version='1.0'?><?xml version='1.0'?><s> => restricted-xml
<s><a/><?xml version='1.0'?> => <s xmlns=''/> <a xmlns=''/> restricted-xml
<s><a><?b c?></a> => <s xmlns=''/> restricted-xml
<s><!-- a --> => <s xmlns=''/> restricted-xml
<s><a><!-- b --></a> => <s xmlns=''/> restricted-xml
<!DOCTYPE s><s> => restricted-xml
<s>a\xff => <s xmlns=''/> bad-format
<s> \xff => <s xmlns=''/> not-well-formed
<s>a => <s xmlns=''/> bad-format
<s>&#32; => <s xmlns=''/> bad-format
<s><![CDATA[ ]]> => <s xmlns=''/> bad-format
a<s> => not-well-formed
&#32;<s> => not-well-formed
<![CDATA[]]><s> => not-well-formed
</s> => not-well-formed
<s/> => bad-format
<s><a/></a> => <s xmlns=''/> <a xmlns=''/> not-well-formed
<s></t> => <s xmlns=''/> not-well-formed
<x:s> => bad-namespace-prefix
<s a='1' a='2'> => not-well-formed
<s xmlns:x=''> => bad-namespace-prefix
GET / HTTP/1.1 => not-well-formed
\x16\x03\x01 => not-well-formed
\xef\xbb\xbf<s> => not-well-formed
END
}

@test "xmpp modules: the largest name, tag, depth, and tree are taken, and nothing larger" {
    "$MODULES" bounds
}

@test "xmpp modules: a tree is asked, changed, and written" {
    "$MODULES" changes
}

@test "xmpp modules: what real clients have sent is understood, at each cut" {
    for recording in "$TOP"/tests/xmpp/*.xml; do
        "$MODULES" recording <"$recording"
    done
}

@test "xmpp modules: an address has two parts or three, none of them empty or too long" {
    long=$(printf '%01023d' 0)
    "$MODULES" addresses <<END
zhangsan@localhost/phone => zhangsan|localhost|phone
zhangsan@localhost => zhangsan|localhost|
localhost => |localhost|
localhost/phone => |localhost|phone
a@b/c/d@e => a|b|c/d@e
a/b@c => |a|b@c
张三@localhost => 张三|localhost|
 => none
@ => none
/ => none
a@ => none
@b => none
a@b/ => none
a@/c => none
@b/c => none
/c => none
$long@$long/$long => $long|$long|$long
0$long@b => none
a@b@c => none
a@0$long => none
a@b/0$long => none
END
}
