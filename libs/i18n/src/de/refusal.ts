/** Warum etwas nicht ging und was hilft, nach Art des Problems. */
export const refusal = {
  'admins-only': 'Das dürfen nur Verwalter.',
  'another-site': 'Die Anfrage kam von einer anderen Seite.',
  'app-not-offered':
    'Kein erreichbarer Host hat diese App in dieser Version. Wählen Sie eine andere, oder versuchen Sie es später noch einmal.',
  'being-created': '{{ name }} wird noch angelegt.',
  'cannot-restore-now': '{{ name }} ist nicht mehr im Papierkorb. Siehe seine Zeile.',
  'cannot-freeze-now': '{{ name }} lässt sich gerade nicht einfrieren: Er ist nicht an.',
  'cannot-kill-now': '{{ name }} lässt sich gerade nicht ausschalten: Er ist nicht an.',
  'cannot-rename-now': '{{ name }} lässt sich gerade nicht umbenennen.',
  'cannot-restart-now': '{{ name }} lässt sich gerade nicht neu starten: Er ist nicht an.',
  'cannot-snapshot-now':
    'Das geht gerade nicht mit den Schnappschüssen von {{ name }}. Zum Zurückholen schalten Sie ihn erst aus.',
  'cannot-thaw-now': '{{ name }} ist nicht eingefroren.',
  'cannot-start-now': '{{ name }} lässt sich gerade nicht starten: Er ist nicht aus. Siehe seine Zeile.',
  'cannot-stop-now': '{{ name }} lässt sich gerade nicht stoppen: Er ist nicht an. Siehe seine Zeile.',
  'cannot-trash-now': '{{ name }} lässt sich gerade nicht in den Papierkorb legen. Siehe seine Zeile.',
  'credit-used-up': 'Es ist kein Guthaben mehr da, um {{ name }} zu starten. Laden Sie zuerst Guthaben auf.',
  'database-silent':
    'Die Datenbank von Berth antwortet nicht. Nichts ist verloren; versuchen Sie es gleich noch einmal.',
  'host-lost-it': 'Der Host {{ host }} kennt ihn nicht mehr. Fragen Sie den Betreiber.',
  'host-not-in-use': 'Der Host {{ host }} ist nicht mehr in Gebrauch. Fragen Sie den Betreiber.',
  'host-silent': 'Der Host {{ host }} antwortet nicht. Versuchen Sie es gleich noch einmal.',
  'key-used':
    'Diese Bestellung wurde schon mit anderen Angaben gesendet. Schließen Sie den Dialog und beginnen Sie neu.',
  'login-pending': 'Die App hat ihre Zugangsdaten noch nicht geschrieben. Versuchen Sie es gleich noch einmal.',
  'login-put-away': 'Die Zugangsdaten von {{ name }} sind weggelegt.',
  'login-unread':
    'Der Container hat auf die Frage nach den Zugangsdaten nicht geantwortet. Versuchen Sie es gleich noch einmal.',
  'name-taken':
    'Sie haben schon einen Container namens {{ name }}, vielleicht im Papierkorb. Wählen Sie einen anderen Namen.',
  'not-signed-in': 'Sie sind nicht oder nicht mehr angemeldet.',
  'not-yours': 'Diesen Container gibt es bei Ihnen nicht.',
  offline: 'Berth ist nicht erreichbar. Prüfen Sie das Netz.',
  'outdated-page': 'Diese Seite ist älter als der Server. Laden Sie sie neu.',
  'reference-used':
    'Die Zahlung mit diesem Verwendungszweck wurde schon gebucht, mit einem anderen Betrag oder für jemand anderen.',
  'stale-csrf-token': 'Diese Seite war zu lange offen. Laden Sie sie neu.',
  'too-many-containers':
    'Sie haben {{ most }} Container, die im Papierkorb mitgezählt, und mehr geht nicht. Fragen Sie den Betreiber.',
  'too-soon': 'Zu viele Versuche. Warten Sie {{ seconds }} Sekunden.',
  unexpected: 'Es ist unter der Nummer der Anfrage festgehalten. Versuchen Sie es gleich noch einmal.',
  unexplained:
    'Der Server hat mit {{ status }} geantwortet und keinen Grund genannt. Versuchen Sie es gleich noch einmal.',
  unreadable: 'Eine Angabe lässt sich nicht verwenden. Siehe die Hinweise an den Feldern.',
  'wrong-password': 'Adresse oder Passwort ist falsch.',
};
